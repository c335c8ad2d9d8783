package simulator

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// A life is what was written of one VM, or of one request, in order: each
// command as a word such as "hset vm clone time", with what varies left out.
type life struct {
	name  string
	words []string
}

// steps are the sentences that a life is made of. Each is written at once, by
// one thread of vmpooler or one call of its API.
type steps map[string][]string

// excessReady did not happen in the recorded runs: the pool that was made
// smaller had few enough ready VMs. vmpooler's code pops a VM and then moves it.
const excessReady = "excess, ready"

// tooLate is a user who gives back a VM that was taken back before. It can come
// anywhere, and was recorded.
const tooLate = "returned too late"

var vmSteps = steps{
	"begin":          {"sadd pending", "hset vm clone time", "hset vm template text", "hset vm pool text", "hset vm domain text"},
	"for request":    {"hset vm request_id text", "hset vm pool_alias text"},
	"cloned":         {"hset clone-times float", "hset vm clone_time float", "hset vm ip text"},
	"clone failed":   {"srem pending", "hset vm clone_error text", "hset vm clone_error_class text", "expire vm 604800"},
	"silent":         {"hset vm open_socket_error text"},
	"answers":        {"hdel vm open_socket_error"},
	"ready":          {"smove pending>ready", "hset boot-times float", "hset vm ready time"},
	"timed out":      {"smove pending>completed"},
	"notified":       {"hset vm timeout_notification int"},
	"dropped":        {"srem pending"},
	"checked":        {"hset vm check time"},
	"no more ready":  {"smove ready>completed"},
	"checkout":       {"smove ready>running", "sadd migrating", "hset active time", "hset vm checkout time"},
	"with token":     {"hset vm token:token text", "hset vm token:user text", "hset vm lifetime int"},
	"given":          {"hset active time", "hset vm checkout time", "sadd request-vms", "smove pending>running", "hset boot-times float", "hset vm ready time"},
	"given to token": {"hset active time", "hset vm checkout time", "hset vm token:token text", "hset vm token:user text", "hset vm lifetime int", "sadd request-vms", "smove pending>running", "hset boot-times float", "hset vm ready time"},
	"tagged":         {"hset vm user_tagged text"},
	"migrated":       {"srem migrating"},
	"returned":       {"srem running", "sadd completed"},
	tooLate:          {"srem running"},
	"taken back":     {"smove running>completed"},
	"destroy":        {"hdel active", "hset vm destroy time", "expire vm 604800"},
	"destroyed":      {"srem completed"},
	"forgotten":      {"srem completed", "hdel active", "del vm"},
	"discovered":     {"sadd discovered"},
	"condemned":      {"smove discovered>completed"},

	// Not of the simulator: what the script did that played the users in the
	// older of the recorded runs.
	"older checkout": {"srem ready", "sadd running", "hset active time", "hset vm checkout time"},

	excessReady: {"srem ready", "smove ready>completed"},
}

var requestSteps = steps{
	"made":              {"zadd request-queue int", "hset request requested text"},
	"with token":        {"hset request token:token text", "hset request token:user text"},
	"taken up":          {"zadd due int", "zrem request-queue", "zadd processing float"},
	"both taken up":     {"zadd due int", "zadd due int", "zrem request-queue", "zadd processing float"},
	"cloning":           {"zrem due"},
	"rest waits":        {"zadd due float"},
	"given":             {"sadd request-vms"},
	"ready":             {"hset request status ready", "expire request 2592000", "zrem processing"},
	"clone failed":      {"hincrby request retry_count 1", "zadd due 1", "zadd due 1"},
	"timed out":         {"hset request retry_count int", "zadd due 1"},
	"failed for good":   {"hset request status failed", "zadd due 0"},
	"no retry left":     {"hset request status failed", "hset request failure_reason text"},
	"overdue":           {"zrem processing", "hset request status failed", "expire request 604800", "expire request-vms 604800"},
	"both overdue":      {"zrem processing", "hset request status failed", "expire request 604800", "expire request-vms 604800", "expire request-vms 604800"},
	"deleted":           {"hset request status deleted", "del request-vms", "expire request 1296000"},
	"deleted with both": {"hset request status deleted", "del request-vms", "del request-vms", "expire request 1296000"},

	"made by the script": {"hset request requested text", "zadd request-queue int"},
}

// parse reads a life as steps, the longest that fit first. It returns an error
// that names the first words that begin none.
func (st steps) parse(words []string) ([]string, error) {
	var out []string
	for i := 0; i < len(words); {
		found := ""
		for name, w := range st {
			if len(w) > len(st[found]) && len(words)-i >= len(w) && slices.Equal(words[i:i+len(w)], w) {
				found = name
			}
		}
		if found == "" {
			return out, fmt.Errorf("no step begins with %q", words[i:min(i+6, len(words))])
		}
		out = append(out, found)
		i += len(st[found])
	}
	return out, nil
}

var (
	timeShape  = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$`)
	intShape   = regexp.MustCompile(`^\d+$`)
	floatShape = regexp.MustCompile(`^\d+\.\d+$`)
	idShape    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
)

func shape(value string) string {
	switch {
	case timeShape.MatchString(value):
		return "time"
	case intShape.MatchString(value):
		return "int"
	case floatShape.MatchString(value):
		return "float"
	}
	return "text"
}

// byVM are the beginnings of keys whose fields, or their ends, are VMs.
var byVM = map[string]string{
	vmpooler.CloneTimesKey(""): "clone-times", vmpooler.BootTimesKey(""): "boot-times", vmpooler.ActiveKey(""): "active",
}

// word returns what a command is about, a VM's name or a request's id, and its
// word; "" for a command about neither.
func word(c []string) (about, w string) {
	cmd, key, last := c[0], c[1], c[len(c)-1]
	if vm, ok := vmpooler.VMFromKey(key); ok {
		switch cmd {
		case "hset":
			return vm, "hset vm " + c[2] + " " + shape(c[3])
		case "hdel":
			return vm, "hdel vm " + c[2]
		}
		return vm, strings.Join(append([]string{cmd, "vm"}, c[2:]...), " ")
	}
	if from, _, ok := vmpooler.QueueFromKey(key); ok {
		if cmd == "smove" {
			to, _, _ := vmpooler.QueueFromKey(c[2])
			return last, fmt.Sprintf("smove %v>%v", from, to)
		}
		return last, cmd + " " + from.String()
	}
	if cmd == "sadd" && idShape.MatchString(key) {
		return last, "sadd request-vms"
	}
	for prefix, kind := range byVM {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		vm := c[2][strings.LastIndexByte(c[2], ':')+1:]
		if cmd == "hdel" {
			return vm, "hdel " + kind
		}
		return vm, "hset " + kind + " " + shape(c[3])
	}
	return "", ""
}

var requestQueues = map[string]string{
	vmpooler.KeyRequestQueue: "request-queue", vmpooler.KeyRequestProcessing: "processing", vmpooler.KeyOndemandCreate: "due",
}

// requestWord does the same for requests.
func requestWord(c []string) (id, w string) {
	id = idShape.FindString(strings.Join(c[1:], " "))
	if _, isVM := vmpooler.VMFromKey(c[1]); id == "" || isVM {
		return "", ""
	}
	cmd, key := c[0], c[1]
	kind := requestQueues[key]
	switch {
	case cmd == "zadd" && (c[2] == "0" || c[2] == "1"):
		return id, "zadd " + kind + " " + c[2]
	case cmd == "zadd":
		return id, "zadd " + kind + " " + shape(c[2])
	case cmd == "zrem":
		return id, "zrem " + kind
	case strings.HasPrefix(key, vmpooler.RequestKey("")):
		kind = "request"
	default:
		kind = "request-vms"
	}
	switch cmd {
	case "sadd", "del":
		return id, cmd + " " + kind
	case "expire":
		return id, cmd + " " + kind + " " + c[2]
	case "hincrby":
		return id, strings.Join([]string{cmd, kind, c[2], c[3]}, " ")
	}
	if c[2] == "status" {
		return id, cmd + " " + kind + " status " + c[3]
	}
	return id, cmd + " " + kind + " " + c[2] + " " + shape(c[3])
}

// lives sorts commands by what they are about. A name that is used again
// begins a new life.
func lives(commands [][]string, word func([]string) (string, string), begin string) []life {
	index := make(map[string]int)
	var out []life
	for _, c := range commands {
		about, w := word(c)
		if about == "" {
			continue
		}
		i, ok := index[about]
		if !ok || w == begin {
			i = len(out)
			index[about] = i
			out = append(out, life{name: about})
		}
		out[i].words = append(out[i].words, w)
	}
	return slices.DeleteFunc(out, func(l life) bool { return l.words[0] != begin })
}

func traceCommands(tr *testredis.Trace) [][]string {
	out := make([][]string, len(tr.Writes))
	for i, w := range tr.Writes {
		out[i] = w.Command
	}
	return out
}

// pairs are steps that follow each other; "end" follows the last.
type pairs map[[2]string]int

func (p pairs) add(names []string) {
	for i, name := range names {
		next := "end"
		if i+1 < len(names) {
			next = names[i+1]
		}
		p[[2]string{name, next}]++
	}
}
