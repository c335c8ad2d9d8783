package vmpooler

import "strings"

// Prefix starts the name of every key that vmpooler keeps.
const Prefix = "vmpooler__"

// Keys without a variable part. Their types and contents are listed in
// docs/redis.md.
const (
	KeyPools              = Prefix + "pools"                    // set of pool names
	KeyPoolSizes          = Prefix + "config__poolsize"         // hash: pool → size set at run time
	KeyLastBoot           = Prefix + "lastboot"                 // hash: pool → time the last VM became ready
	KeyTasksClone         = Prefix + "tasks__clone"             // string: pool clones in progress
	KeyTasksOndemandClone = Prefix + "tasks__ondemandclone"     // string: on-demand clones in progress
	KeyOndemandCreate     = Prefix + "odcreate__task"           // zset of <alias>:<pool>:<count>:<request id>
	KeyRequestQueue       = Prefix + "provisioning__request"    // zset: request id → epoch seconds
	KeyRequestProcessing  = Prefix + "provisioning__processing" // zset: request id → epoch seconds
	KeyHealth             = Prefix + "health"                   // hash: metrics, status, last_check
	KeyMigration          = Prefix + "migration"                // set, deleted at every start of the manager
)

// Queue is one of the six sets that a VM of a pool can be in.
type Queue uint8

// The queues, in the order of a VM's life; discovered and migrating are
// stations on the side.
const (
	Pending Queue = iota
	Ready
	Running
	Completed
	Discovered
	Migrating
)

// NumQueues is the length of an array indexed by Queue.
const NumQueues = 6

var queueNames = [NumQueues]string{"pending", "ready", "running", "completed", "discovered", "migrating"}

// Queues lists all six, in the order of their constants.
func Queues() [NumQueues]Queue {
	return [NumQueues]Queue{Pending, Ready, Running, Completed, Discovered, Migrating}
}

// String returns the name that vmpooler uses in its keys, such as "pending".
func (q Queue) String() string { return queueNames[q] }

// Key returns the name of the set that holds the pool's VMs in this queue.
func (q Queue) Key(pool string) string { return Prefix + queueNames[q] + "__" + pool }

// AgeField returns the field of a VM's hash that says since when the VM has
// been in this queue, or "" for discovered: vmpooler keeps no time for it.
func (q Queue) AgeField() string {
	switch q {
	case Pending:
		return FieldClone
	case Ready:
		return FieldReady
	case Running, Migrating:
		return FieldCheckout
	case Completed:
		return FieldDestroy
	case Discovered:
		return ""
	}
	return ""
}

// Fields of a VM's hash. FieldToken holds a user's secret: nothing reads it.
const (
	FieldClone           = "clone"
	FieldCloneTime       = "clone_time" // seconds the clone took; there once the clone is done
	FieldReady           = "ready"
	FieldCheckout        = "checkout"
	FieldDestroy         = "destroy"
	FieldPool            = "pool"
	FieldTemplate        = "template" // vmpooler writes the pool's name here too
	FieldDomain          = "domain"
	FieldIP              = "ip"
	FieldCheck           = "check"
	FieldLifetime        = "lifetime"
	FieldRequestID       = "request_id"
	FieldPoolAlias       = "pool_alias"
	FieldOpenSocketError = "open_socket_error"
	FieldCloneError      = "clone_error"
	FieldCloneErrorClass = "clone_error_class"
	FieldTimeoutNotified = "timeout_notification"
	FieldUserTagged      = "user_tagged"
	FieldToken           = "token:token"
	FieldTokenUser       = "token:user"
)

// Fields of an on-demand request's hash.
const (
	FieldRequested     = "requested" // <alias>:<pool>:<count>[,…]
	FieldStatus        = "status"
	FieldRetryCount    = "retry_count"
	FieldFailureReason = "failure_reason"
)

// RequestStatus is the status field of an on-demand request.
type RequestStatus string

// The statuses that vmpooler gives a request.
const (
	RequestPending RequestStatus = "pending"
	RequestReady   RequestStatus = "ready"
	RequestFailed  RequestStatus = "failed"
	RequestDeleted RequestStatus = "deleted"

	// RequestOther stands for any status that vmpooler is not known to give.
	RequestOther RequestStatus = "other"
)

const (
	vmPrefix      = Prefix + "vm__"
	poolPrefix    = Prefix + "pool__"
	activePrefix  = Prefix + "active__"
	emptyPrefix   = Prefix + "empty__"
	clonePrefix   = Prefix + "clone__"
	bootPrefix    = Prefix + "boot__"
	requestPrefix = Prefix + "odrequest__"
	dlqPrefix     = Prefix + "dlq__"
)

// VMKey returns the name of the VM's metadata hash.
func VMKey(vm string) string { return vmPrefix + vm }

// VMFromKey returns the VM's name if key is that of a metadata hash.
func VMFromKey(key string) (vm string, ok bool) { return strings.CutPrefix(key, vmPrefix) }

// PoolKey returns the name of the hash with the pool's configuration.
func PoolKey(pool string) string { return poolPrefix + pool }

// ActiveKey returns the name of the hash vm → checkout time of the pool.
func ActiveKey(pool string) string { return activePrefix + pool }

// EmptyKey returns the name of the string that is there while the pool is empty.
func EmptyKey(pool string) string { return emptyPrefix + pool }

// CloneTimesKey returns the name of the hash <pool>:<vm> → seconds a clone
// took, of one day, given as YYYY-MM-DD on the vmpooler host.
func CloneTimesKey(day string) string { return clonePrefix + day }

// BootTimesKey returns the name of the hash <pool>:<vm> → seconds from clone
// to ready, of one day, given as YYYY-MM-DD on the vmpooler host.
func BootTimesKey(day string) string { return bootPrefix + day }

// RequestKey returns the name of the on-demand request's hash.
func RequestKey(id string) string { return requestPrefix + id }

// RequestFromKey returns the request's id if key is that of a request's hash.
func RequestFromKey(key string) (id string, ok bool) { return strings.CutPrefix(key, requestPrefix) }

// RequestVMsKey returns the name of the set of VMs given to a request.
func RequestVMsKey(id, alias, pool string) string {
	return Prefix + id + "__" + alias + "__" + pool
}

// DLQKey returns the name of a dead-letter queue: pending, clone or ready.
func DLQKey(queue string) string { return dlqPrefix + queue }

// DLQFromKey returns the dead-letter queue's name if key is that of one.
func DLQFromKey(key string) (queue string, ok bool) { return strings.CutPrefix(key, dlqPrefix) }

// QueueFromKey splits the name of a queue's set into its queue and its pool.
// A pool's name may itself hold "__".
func QueueFromKey(key string) (q Queue, pool string, ok bool) {
	rest, ok := strings.CutPrefix(key, Prefix)
	if !ok {
		return 0, "", false
	}
	for i, name := range queueNames {
		if pool, ok := strings.CutPrefix(rest, name+"__"); ok && pool != "" {
			return Queue(i), pool, true
		}
	}
	return 0, "", false
}

// DLQQueues lists the dead-letter queues that vmpooler 3.9.1 writes.
func DLQQueues() [3]string { return [3]string{"pending", "clone", "ready"} }
