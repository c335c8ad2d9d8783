package incidents

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"testing"
)

// labelled is one alert that fires, by its labels.
type labelled map[string]string

// labelled are the labels of the alert, of a pool where one is named.
func (a alert) labelled(pool string) labelled {
	l := labelled{"alertname": a.name, "severity": a.severity, "job": "vmpooler_exporter", "cluster": "eu"}
	if pool != "" {
		l["pool"] = pool
	}
	return l
}

func (l labelled) but(name, value string) labelled {
	other := maps.Clone(l)
	other[name] = value
	return other
}

// fits tells whether all matchers hold, as Alertmanager reads them.
func (l labelled) fits(t *testing.T, matchers []string) bool {
	t.Helper()
	for _, m := range matchers {
		part := matcherForm.FindStringSubmatch(m)
		if part == nil {
			t.Fatalf("not a matcher: %s", m)
		}
		value, want := l[part[1]], cmp.Or(part[3], part[4])
		same := value == want
		if part[2] == "=~" || part[2] == "!~" {
			same = regexp.MustCompile("^(?:" + want + ")$").MatchString(value)
		}
		if same != (part[2][0] == '=') {
			return false
		}
	}
	return true
}

// holds tells whether the rule keeps the target silent while the source fires. One
// that is both is not kept silent by another that is both.
func (r inhibition) holds(t *testing.T, source, target labelled) bool {
	t.Helper()
	if !source.fits(t, r.Source) || !target.fits(t, r.Target) || source.fits(t, r.Target) && target.fits(t, r.Source) {
		return false
	}
	return !slices.ContainsFunc(r.Equal, func(name string) bool { return source[name] != target[name] })
}

// reach is how far an alert holds another one back.
type reach string

const (
	never    reach = "never"
	samePool reach = "in its pool"
	itsWhole reach = "in its vmpooler" // whatever the pools
)

const poolA, poolB = "debian-12-x86_64", "redhat-9-x86_64"

func TestWhatAnAlertHoldsBack(t *testing.T) {
	rules, inhibitions := loadRules(t), loadInhibitions(t)
	alone := make(map[int]bool) // rules without which a row would not hold
	for _, row := range []struct {
		source     alert
		sourcePool string
		target     alert
		targetPool string
		want       reach
	}{
		// The worse of two severities.
		{critical("PoolEmpty"), poolA, warning("PoolEmpty"), poolA, samePool},
		{critical("Unhealthy"), "", warning("Unhealthy"), "", itsWhole},
		{warning("VersionsDiffer"), "", info("VersionsDiffer"), "", itsWhole},
		{warning("PoolEmpty"), poolA, critical("PoolEmpty"), poolA, never},
		{critical("PoolEmpty"), poolA, critical("PoolEmpty"), poolB, never},

		// Who sees nothing.
		{critical("MonitoringLost"), "", critical("RedisUnreachable"), "", itsWhole},
		{critical("MonitoringLost"), "", critical("PoolEmpty"), poolA, itsWhole},
		{critical("MonitoringLost"), "", info("VersionsDiffer"), "", itsWhole},
		{critical("MonitoringLost"), "", critical("MonitoringLost"), "", never},
		{critical("RedisUnreachable"), "", critical("Unhealthy"), "", itsWhole},
		{critical("RedisUnreachable"), "", warning("ExporterDown"), "", itsWhole},
		{critical("RedisUnreachable"), "", warning("RedisUnreachable"), "", itsWhole},
		{critical("RedisUnreachable"), "", critical("MonitoringLost"), "", never},
		{warning("RedisUnreachable"), "", critical("Unhealthy"), "", never},

		// Why the status is what it is.
		{warning("StuckVms"), "", warning("Unhealthy"), "", itsWhole},
		{warning("DLQTooLarge"), "", warning("Unhealthy"), "", itsWhole},
		{warning("PendingQueueTooLong"), poolA, warning("Unhealthy"), "", itsWhole},
		{warning("ReadyQueueTooLong"), poolA, warning("Unhealthy"), "", itsWhole},
		{warning("StuckVms"), "", critical("Unhealthy"), "", never},
		{critical("StuckVms"), "", critical("Unhealthy"), "", itsWhole},
		{critical("DLQTooLarge"), "", critical("Unhealthy"), "", itsWhole},
		{critical("Unhealthy"), "", critical("StuckVms"), "", never},
		{warning("DLQFillingUp"), "", warning("Unhealthy"), "", never},
		{critical("CloneFailureRatioHigh"), "", critical("Unhealthy"), "", itsWhole},
		{critical("CloneFailureRatioHigh"), "", warning("Unhealthy"), "", itsWhole},
		{warning("CloneFailureRatioHigh"), poolA, critical("Unhealthy"), "", never},
		{critical("PoolEmpty"), poolA, critical("Unhealthy"), "", itsWhole},
		{critical("PoolEmpty"), poolA, warning("Unhealthy"), "", itsWhole},
		{warning("PoolEmpty"), poolA, critical("Unhealthy"), "", never},
		{critical("Unhealthy"), "", critical("PoolEmpty"), poolA, never},

		// Where no pool can be filled.
		{critical("CloneFailureRatioHigh"), "", critical("PoolEmpty"), poolA, itsWhole},
		{critical("CloneSlotsLeaked"), "", critical("PoolEmpty"), poolA, itsWhole},
		{critical("CloneSlotsLeaked"), "", warning("PoolEmpty"), poolA, itsWhole},
		{critical("CloneSlotsLeaked"), "", warning("PoolEmptySoon"), poolA, itsWhole},
		{critical("CloneSlotsLeaked"), "", info("PoolUnderfilled"), poolA, itsWhole},
		{critical("CloneSlotsLeaked"), "", warning("CloneFailureRatioHigh"), poolA, itsWhole},
		{critical("CloneFailureRatioHigh"), "", warning("CloneFailureRatioHigh"), poolA, itsWhole},
		{warning("CloneSlotsLeaked"), "", critical("PoolEmpty"), poolA, never},
		{critical("CloneSlotsLeaked"), "", critical("InventoryCliff"), poolA, never},
		{critical("CloneSlotsLeaked"), "", critical("CloneFailureRatioHigh"), "", never},

		// One pool.
		{critical("PoolEmpty"), poolA, warning("PoolEmptySoon"), poolA, samePool},
		{warning("PoolEmpty"), poolA, warning("PoolEmptySoon"), poolA, samePool},
		{warning("PoolEmpty"), poolA, info("PoolUnderfilled"), poolA, samePool},
		{critical("PoolEmpty"), poolA, critical("InventoryCliff"), poolA, never},
		{warning("PoolEmptySoon"), poolA, critical("PoolEmpty"), poolA, never},
		{critical("InventoryCliff"), poolA, critical("PoolEmpty"), poolA, samePool},
		{critical("InventoryCliff"), poolA, warning("PoolEmpty"), poolA, samePool},
		{critical("InventoryCliff"), poolA, critical("Unhealthy"), "", never},
	} {
		for _, a := range []alert{row.source, row.target} {
			if len(rules.waits[a.name]) == 0 {
				t.Errorf("there is no alert %s", a.name)
			}
		}
		source, target := row.source.labelled(row.sourcePool), row.target.labelled(row.targetPool)
		by := func(target labelled) (holding []int) {
			for i, r := range inhibitions {
				if r.holds(t, source, target) {
					holding = append(holding, i)
				}
			}
			return holding
		}
		held := by(target)
		if len(held) == 1 {
			alone[held[0]] = true
		}
		expect := func(where string, target labelled, want bool) {
			if got := len(by(target)) > 0; got != want {
				t.Errorf("%s holds back %s %s: %v, want %v", row.source.key(), row.target.key(), where, got, want)
			}
		}
		expect("of its own", target, row.want != never)
		expect("of another job", target.but("job", "vmpooler-exporter-b"), false)
		expect("of another cluster", target.but("cluster", "us"), false)
		if row.targetPool != "" {
			expect("of another pool", target.but("pool", "ubuntu-24.04-x86_64"), row.want == itsWhole)
		}
	}
	for i, r := range inhibitions {
		if !alone[i] {
			t.Errorf("no row needs the rule %v → %v", r.Source, r.Target)
		}
	}
}
