package bench

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// causes are what errors look like: each message is another, for the names,
// numbers, addresses and ids in it, and statistics have to see past them.
var causes = []struct {
	class   string
	message func(vm string, i int) string
}{
	{"ServerFaultCode", datastoreError},
	{"RuntimeError", func(vm string, i int) string {
		return fmt.Sprintf("Cannot find the template folder of %s on host esx-%d (10.16.%d.%d)", vm, i%40, i/256%256, i%256)
	}},
	{"Timeout::Error", func(string, int) string { return "execution expired" }},
	{"Errno::EHOSTUNREACH", func(vm string, _ int) string {
		return fmt.Sprintf("No route to host - connect(2) for %q port 22", vm+".delivery.example.com")
	}},
	{"SocketError", func(vm string, _ int) string {
		return "getaddrinfo: Name or service not known (" + vm + ".delivery.example.com:22)"
	}},
	{"RbVmomi::Fault", func(_ string, i int) string {
		return fmt.Sprintf("TaskInProgress: The operation is not allowed in the current state. task-%d, session 52%06x-77c2-4b1e-9a53-0d6f5e%06x", 100000+i, i, 7*i)
	}},
}

func datastoreError(vm string, i int) string {
	return fmt.Sprintf(`A specified parameter was not correct: spec.location.datastore "vmstorage%d", file "[vmstorage%d] %s/%s.vmdk"`, i%8, i%8, vm, vm)
}

// letters fills each queue with n dead letters over six days, as vmpooler would
// have written them; one in three was made for a request.
func (s *site) letters(b *testing.B, n int) {
	b.Helper()
	const span = 144 * time.Hour
	began := time.Now().Add(-span)
	pipe := s.client.Pipeline()
	for q, queue := range vmpooler.DLQQueues() {
		for i := range n {
			vm := fmt.Sprintf("pix-%s-%s%d", adjectives[i%len(adjectives)], nouns[i/7%len(nouns)], i)
			cause := causes[(i+q)%len(causes)]
			e := dlq.Entry{
				VM: vm, Pool: s.pools[i%len(s.pools)], QueueFrom: queue,
				ErrorClass: cause.class, ErrorMessage: cause.message(vm, i),
				FailedAt: began.Add(span * time.Duration(i) / time.Duration(n)), RetryCount: new(int),
			}
			if i%3 == 0 {
				e.RequestID, e.PoolAlias = fmt.Sprintf("6347eeb4-9fd9-4422-a6b6-4456ca%06x", i), e.Pool+"-alias"
			}
			member, score := dlq.Encode(e)
			pipe.ZAdd(b.Context(), vmpooler.DLQKey(queue), redis.Z{Score: score, Member: member})
		}
	}
	if _, err := pipe.Exec(b.Context()); err != nil {
		b.Fatal(err)
	}
}

var (
	adjectives = []string{"odd", "sly", "gay", "warm", "brave", "quiet", "amber"}
	nouns      = []string{"island", "otter", "canyon", "lemur", "harbor", "willow", "falcon", "meadow"}
)
