package simulator

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const adjectiveList = `able amber apt arid bold brave brief brisk calm civil clear cool coral crisp
	curly dapper deep dense dry dusty eager early even fair fast few firm fleet fond frank fresh frosty
	gentle glad grand green happy hardy hazy high humble icy jolly keen kind late light lively loud low
	lucid lunar mellow merry mild misty neat nimble noble oval pale plain polar proud`

const nounList = `acorn anchor arrow badger basil beacon birch bison boulder brook canyon cedar cliff
	clover comet copper cove crane delta dune eagle elm ember falcon fern finch fjord forest garnet glacier
	grove harbor hazel heron hollow island jade juniper kestrel kettle lagoon lantern larch lemur lichen
	magnet maple meadow moss nectar newt oak orchid otter owl pebble pine plover prism quartz raven reef
	ridge`

var (
	adjectives = strings.Fields(adjectiveList)
	nouns      = strings.Fields(nounList)
)

// SecretMark is part of every token that the simulator writes, and of nothing
// else: where it turns up outside Redis, a user's secret has leaked.
const SecretMark = "simulated-secret"

var users = []string{"ada", "grace", "linus", "radia", "barbara"}

func token(user string) string { return SecretMark + "-" + user }

// namer gives out names such as pix-bold-otter, each once: a name that comes
// back would find the old hash, whose TTL its new life would inherit. After
// all pairs of words a number follows.
type namer struct {
	prefix string
	next   int
	offset int
}

func newNamer(prefix string, rng *rand.Rand) *namer {
	return &namer{prefix: prefix, offset: rng.IntN(len(adjectives) * len(nouns))}
}

func (n *namer) name() string {
	const step = 1571 // has no factor in common with the number of pairs, so all of them come
	pairs := len(adjectives) * len(nouns)
	i := (n.offset + n.next*step) % pairs
	round := n.next / pairs
	n.next++
	name := n.prefix + adjectives[i/len(nouns)] + "-" + nouns[i%len(nouns)]
	if round > 0 {
		name += strconv.Itoa(round + 1)
	}
	return name
}

// requestID returns a random UUID of version 4.
func requestID(rng *rand.Rand) string {
	a, b := rng.Uint64(), rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

func ipAddress(rng *rand.Rand) string {
	return fmt.Sprintf("10.%d.%d.%d", 16+rng.IntN(16), rng.IntN(256), 1+rng.IntN(254))
}

// socketErrors are what vmpooler notes of a VM that does not answer; %s is the
// VM's name on the network.
var socketErrors = []string{
	"No route to host - connect(2) for %q port 22",
	"getaddrinfo: Name or service not known",
	"execution expired",
	"Connection timed out - user specified timeout for %s:22",
	"Connection refused - connect(2) for %q port 22",
}

func socketError(kind int, host string) string {
	text := socketErrors[kind%len(socketErrors)]
	if strings.Contains(text, "%") {
		return fmt.Sprintf(text, host)
	}
	return text
}

// seconds prints a duration as vmpooler does that of a clone, such as "2.01".
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) }
