package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestMistakes holds every kind of mistake to its exact words.
func TestMistakes(t *testing.T) {
	const config = ":config:\n  "
	for name, c := range map[string]struct{ text, want string }{
		"a duration with a unit":   {config + "purge_interval: 1h", `vmpooler.yaml:2: purge_interval: must be a whole number of seconds, not "1h"`},
		"a fraction":               {config + "dlq_ttl: 1.5", `vmpooler.yaml:2: dlq_ttl: must be a whole number of hours, not "1.5"`},
		"a boolean for a number":   {config + "task_limit: yes", `vmpooler.yaml:2: task_limit: must be a whole number, not true`},
		"a list for a number":      {config + "timeout: [1]", `vmpooler.yaml:2: timeout: must be a whole number of minutes, not a list`},
		"a map for a number":       {config + "timeout: {a: 1}", `vmpooler.yaml:2: timeout: must be a whole number of minutes, not a map`},
		"an empty text":            {config + `timeout: ""`, `vmpooler.yaml:2: timeout: must be a whole number of minutes, not the text ""`},
		"a negative age":           {config + "max_ready_age: -1", `vmpooler.yaml:2: max_ready_age: must not be negative: -1`},
		"a negative age in quotes": {config + "max_ready_age: '-1'", `vmpooler.yaml:2: max_ready_age: must not be negative: -1`},
		"no interval":              {config + "purge_interval: 0", `vmpooler.yaml:2: purge_interval: must be at least 1, not 0`},
		"no interval of health":    {config + "health_check_interval: 0", `vmpooler.yaml:2: health_check_interval: must be at least 1, not 0`},
		"no TTL":                   {config + "dlq_ttl: 0", `vmpooler.yaml:2: dlq_ttl: must be at least 1, not 0`},
		"no entries":               {config + "dlq_max_entries: 0", `vmpooler.yaml:2: dlq_max_entries: must be at least 1, not 0`},
		"too many entries":         {config + "dlq_max_entries: 99999999999999999999", `vmpooler.yaml:2: dlq_max_entries: must be at most 2147483647`},
		"an endless age":           {config + "max_ready_age: 9223372036854775807", `vmpooler.yaml:2: max_ready_age: must be at most 3153600000 of seconds`},
		"a number for a boolean":   {config + "dlq_enabled: 1", `vmpooler.yaml:2: dlq_enabled: must be true or false, not "1"`},
		"a text for a boolean":     {config + "dlq_enabled: 'false'", `vmpooler.yaml:2: dlq_enabled: must be true or false, not the text "false"`},
		"a long value":             {config + "purge_interval: " + strings.Repeat("x", 99), `vmpooler.yaml:2: purge_interval: must be a whole number of seconds, not "` + strings.Repeat("x", 40) + `"…`},
		"an escape sequence":       {config + `purge_interval: "\e[31m"`, `vmpooler.yaml:2: purge_interval: must be a whole number of seconds, not the text "\x1b[31m"`},
		"an unknown threshold":     {config + "health_thresholds: {dlq_max_warn: 1}", `vmpooler.yaml:2: health_thresholds.dlq_max_warn: is no threshold`},
		"a misspelt threshold":     {config + "health_thresholds: {dlq_max_warnign: 1}", `vmpooler.yaml:2: health_thresholds.dlq_max_warnign: is no threshold; did you mean dlq_max_warning?`},
		"a threshold as a symbol":  {config + "health_thresholds:\n    :dlq_max_warning: 1", `vmpooler.yaml:3: health_thresholds.:dlq_max_warning: is no threshold; did you mean dlq_max_warning?`},
		"a negative threshold":     {config + "health_thresholds: {ready_queue_max: -5}", `vmpooler.yaml:2: health_thresholds.ready_queue_max: must not be negative: -5`},
		"thresholds that are none": {config + "health_thresholds: 5", `vmpooler.yaml:2: health_thresholds: must be a map, not "5"`},
		"extra_config as a list":   {config + "extra_config: [a]", `vmpooler.yaml:2: extra_config: must be names of files with commas between them, not a list`},

		"a section that is none":   {":config: 5", `vmpooler.yaml:1: :config: must be a map, not "5"`},
		"pools that are none":      {":pools: {a: 1}", `vmpooler.yaml:1: :pools:: must be a list, not a map`},
		"a pool that is none":      {":pools:\n- a", `vmpooler.yaml:2: :pools:: pool 1 must be a map, not "a"`},
		"a pool without a name":    {":pools:\n- name: a\n- size: 5", `vmpooler.yaml:3: :pools:: pool 2 has no name`},
		"a pool with no name":      {":pools:\n- size: 5\n  name: ''", `vmpooler.yaml:3: :pools:: the name of pool 1 is empty`},
		"a pool named by a list":   {":pools:\n- name: [a]", `vmpooler.yaml:2: :pools:: the name of pool 1 must be a text, not a list`},
		"a pool of a wrong size":   {":pools:\n- name: a\n  size: many", `vmpooler.yaml:3: pool "a": size: must be a whole number, not "many"`},
		"a pool of negative size":  {":pools:\n- name: a\n  size: -2", `vmpooler.yaml:3: pool "a": size: must not be negative: -2`},
		"a pool of a wrong alias":  {":pools:\n- name: a\n  alias: {b: c}", `vmpooler.yaml:3: pool "a": alias: must be a name or a list of names, not a map`},
		"a pool of wrong aliases":  {":pools:\n- name: a\n  alias:\n  - b\n  - [c]", `vmpooler.yaml:5: pool "a": alias: must be a name or a list of names, not a list`},
		"a pool of a wrong folder": {":pools:\n- name: a\n  folder: [b]", `vmpooler.yaml:3: pool "a": folder: must be a text, not a list`},

		"a server with a port":    {":redis:\n  server: a:1", `vmpooler.yaml:2: server: must be a host name or an address without a port: the port has a setting of its own`},
		"a server that is a URL":  {":redis:\n  server: redis://a", `vmpooler.yaml:2: server: must be a host name or an address, and nothing else (--redis.addr takes a redis:// address)`},
		"an empty server":         {":redis:\n  server: ''", `vmpooler.yaml:2: server: must not be empty`},
		"a server that is none":   {":redis:\n  server: [a]", `vmpooler.yaml:2: server: must be a host name or an address, not a list`},
		"a port that is none":     {":redis:\n  port: redis", `vmpooler.yaml:2: port: must be a number from 1 to 65535, not "redis"`},
		"a port beyond them all":  {":redis:\n  port: 65536", `vmpooler.yaml:2: port: must be a number from 1 to 65535, not "65536"`},
		"a password that is none": {":redis:\n  password: [hunter2]", `vmpooler.yaml:2: password: must be a text`},
		"no data_ttl":             {":redis:\n  data_ttl: 0", `vmpooler.yaml:2: data_ttl: must be at least 1, not 0`},

		"a list at the top":     {"- a\n", `vmpooler.yaml:1: must be a map with :config: and the like at its top`},
		"no YAML":               {"\n:config:\n  a: b: c\n", `vmpooler.yaml:3: is not valid YAML hereabouts: mapping values are not allowed in this context`},
		"no YAML in line 1":     {"a: b: c", `vmpooler.yaml:1: is not valid YAML hereabouts: mapping values are not allowed in this context`},
		"an alias of nothing":   {":redis:\n  password: *hunter2\n", `vmpooler.yaml:2: is not valid YAML hereabouts: an alias of something that is not defined before (a text that begins with * must be quoted)`},
		"no UTF-8":              {":config:\n  a: \xff\n", `vmpooler.yaml:2: is not valid UTF-8`},
		"more than is sensible": {strings.Repeat("#", maxFileSize+1), `vmpooler.yaml: is larger than 4 MiB`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadText(t, c.text)
			if err == nil {
				t.Fatalf("no error, but %+v", s)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAllMistakesAreReportedInTheirOrder(t *testing.T) {
	write(t, map[string]string{
		"vmpooler.yaml": `
:pools:
- size: 1
:config:
  dlq_ttl: -1
  dlq_enabled: maybe
  extra_config: extra.yaml
  health_thresholds:
    oops: 1
`,
		"extra.yaml": ":redis: {port: none}\n",
	})
	_, err := Load(Options{
		File:      "vmpooler.yaml",
		Getenv:    env(map[string]string{"REDIS_DATA_TTL": "x"}),
		Overrides: Overrides{TLSCertFile: "extra.yaml", SentinelMaster: "m"},
	})
	want := `vmpooler.yaml:3: :pools:: pool 1 has no name
vmpooler.yaml:5: dlq_ttl: must not be negative: -1
vmpooler.yaml:6: dlq_enabled: must be true or false, not "maybe"
vmpooler.yaml:9: health_thresholds.oops: is no threshold
extra.yaml:1: port: must be a number from 1 to 65535, not "none"
environment REDIS_DATA_TTL: must be a whole number of hours, not "x"
--redis.tls-cert-file: needs --redis.tls-key-file beside it
--redis.sentinel-master: needs at least one --redis.sentinel-addr`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	var all Errors
	if !errors.As(err, &all) || len(all) != 8 || all[1].File != "vmpooler.yaml" || all[1].Line != 5 || all[1].Key != "dlq_ttl" {
		t.Errorf("the parts of the errors are not there: %+v", all)
	}
	var one *Error
	if !errors.As(err, &one) || one != all[0] {
		t.Error("errors.As does not find the first")
	}
}

func TestEndlessMistakesAreCut(t *testing.T) {
	_, err := loadText(t, ":pools: ["+strings.Repeat("1,", 500)+"]")
	var all Errors
	if !errors.As(err, &all) || len(all) != maxReported+1 || all[maxReported].Error() != "and 400 more" {
		t.Errorf("got %d errors: %v", len(all), err)
	}
	s, err := loadText(t, ":config:\n"+strings.Repeat("  a: b\n", 500))
	if err != nil || len(s.Warnings) != maxReported+1 || s.Warnings[maxReported].String() != "and 399 more" {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing to say":              {":config: {dlq_enabled: true, logfile: x, max_tries: 3, vm_lifetime: 1}\n:providers: {a: {b: 1}}\n", ""},
		"a misspelt key":              {":config:\n  dlq_enable: true", `vmpooler.yaml:2: dlq_enable: is not a key of vmpooler's; did you mean dlq_enabled?`},
		"swapped letters":             {":config:\n  pugre_intervla: 3", `vmpooler.yaml:2: pugre_intervla: is not a key of vmpooler's; did you mean purge_interval?`},
		"a misspelt password":         {":redis:\n  pasword: hunter2", `vmpooler.yaml:2: pasword: is not a key of vmpooler's; did you mean password?`},
		"a key as a symbol":           {":config:\n  :dlq_enabled: true", `vmpooler.yaml:2: :dlq_enabled: does nothing: vmpooler reads it without the leading colon, as dlq_enabled:`},
		"a section without its colon": {"config:\n  dlq_enabled: true", `vmpooler.yaml:1: config: does nothing: vmpooler reads this section with a colon before its name, as :config:`},
		"a misspelt section":          {":confg: {}\n", `vmpooler.yaml:1: :confg: is not a section of vmpooler's; did you mean :config:?`},
		"thresholds upside down":      {":config:\n  health_thresholds:\n    dlq_max_warning: 11\n    dlq_max_critical: 10", `vmpooler.yaml:3: health_thresholds.dlq_max_warning: 11 is above dlq_max_critical, which is 10: degraded is passed over`},
		"one threshold upside down":   {":config:\n  health_thresholds:\n    stuck_vm_max_critical: 9", `health_thresholds.stuck_vm_max_warning: 10 is above stuck_vm_max_critical, which is 9: degraded is passed over`},
		"an age of 0":                 {":config:\n  max_ready_age: 0", `vmpooler.yaml:2: max_ready_age: 0 does not turn this off: everything is too old at once`},
		"a key twice":                 {":config:\n  dlq_ttl: 1\n  dlq_ttl: 2", `vmpooler.yaml:3: dlq_ttl: is set in line 2 too: the last one counts`},
		"a section twice":             {":config:\n  dlq_ttl: 1\n:config:\n  dlq_ttl: 2", `vmpooler.yaml:3: :config: is set in line 1 too: the last one counts`},
		"a pool twice":                {":pools:\n- name: a\n- name: a", `vmpooler.yaml:3: :pools:: pool "a" is defined at vmpooler.yaml:2 too: vmpooler merges the two, a later value replacing an earlier one`},
		"a pool named by a number":    {":pools:\n- name: 1.10", `vmpooler.yaml:2: :pools:: the name "1.10" should be in quotes: Ruby reads it as something else than a text`},
		"a password without quotes":   {":redis:\n  password: 0123", `vmpooler.yaml:2: password: should be in quotes: Ruby reads it as something else than a text`},
		"a second document":           {":config: {}\n---\n:config: {}\n", `vmpooler.yaml:2: vmpooler reads only the first document of a file: what follows does nothing`},
		"an empty file":               {"", `vmpooler.yaml: is empty`},
		"nothing but a mark":          {"---\n# nothing\n", `vmpooler.yaml: is empty`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadText(t, c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, warnings(s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestVmpoolersOwnKeysAreNoNearMisses: a valid file must not be nagged about.
func TestVmpoolersOwnKeysAreNoNearMisses(t *testing.T) {
	for name := range strings.FieldsSeq(`task_limit ondemand_clone_limit max_ondemand_instances_per_request
		migration_limit vm_checktime vm_lifetime max_lifetime_upper_limit ready_ttl ondemand_request_ttl prefix
		logfile site_name clone_target timeout timeout_notification vm_lifetime_auth max_tries retry_factor
		create_folders experimental_features usage_stats request_logger create_template_delta_disks
		purge_unconfigured_resources purge_unconfigured_folders create_linked_clones allowed_tags domain
		check_loop_delay_min check_loop_delay_max check_loop_delay_decay max_vm_retries extra_config
		backend_weight ignore_tags pool_creation_enabled vm_ready_timeout`) {
		if hint := didYouMean(name, configKeys()); hint != "" && !strings.Contains(hint, " "+name+"?") {
			t.Errorf("%s%s", name, hint)
		}
	}
	for name := range strings.FieldsSeq("server port password data_ttl connection_pool_size connection_pool_timeout reconnect_attempts") {
		if hint := didYouMean(name, redisKeys); hint != "" && !strings.Contains(hint, " "+name+"?") {
			t.Errorf("%s%s", name, hint)
		}
	}
	for name := range strings.FieldsSeq("auth tagfilter dns_configs statsd graphite prometheus tracing alias uptime") {
		if near := nearest(name, sections); near != "" {
			t.Errorf(":%s: is taken for :%s:", name, near)
		}
	}
}

func TestScalarsAreReadAsRubyReadsThem(t *testing.T) {
	for text, want := range map[string]int64{
		"5": 5, "+5": 5, "'5'": 5, `"05"`: 5, "010": 8, "0x10": 16, "0b101": 5, "1_000": 1000, "10,000": 10000, "!!int 7": 7, "!!str 7": 7,
	} {
		s, err := loadText(t, ":config:\n  dlq_max_entries: "+text+"\n")
		if err != nil || int64(s.DLQ.MaxEntries) != want {
			t.Errorf("%s: got %v, %v, want %d", text, s, err, want)
		}
	}
	for text, want := range map[string]bool{
		"true": true, "True": true, "YES": true, "on": true, "!!bool yes": true,
		"false": false, "No": false, "off": false, "": false, "~": false, "NULL": false,
	} {
		s, err := loadText(t, ":config:\n  purge_enabled: "+text+"\n")
		if err != nil || s.Purge.Enabled != want {
			t.Errorf("%q: got %v, %v, want %v", text, s, err, want)
		}
	}
}

func TestYAMLAsRubyProgramsWriteIt(t *testing.T) {
	for name, text := range map[string]string{
		"plain":              ":config:\n  task_limit: 7\n",
		"a document mark":    "---\n:config:\n  task_limit: 7\n...\n",
		"a byte order mark":  "\ufeff:config:\n  task_limit: 7\n",
		"Windows":            ":config:\r\n  task_limit: 7\r\n",
		"flow style":         ":config: {task_limit: 7}",
		"a quoted symbol":    ":\"config\":\n  task_limit: 7\n",
		"a tagged symbol":    "!ruby/symbol config:\n  task_limit: 7\n",
		"unknown tags":       ":auth: !ruby/object:Foo {a: !ruby/regexp /x/, b: !!set {c}}\n:config: !ruby/hash:Bar\n  x: !foo y\n  task_limit: 7\n",
		"an alias":           ":x: &n 7\n:config:\n  task_limit: *n\n",
		"a merge key":        ":x: &base {task_limit: 7}\n:config:\n  <<: *base\n",
		"merge keys":         ":x: &a {task_limit: 7}\n:y: &b {task_limit: 8}\n:config:\n  <<: [*a, *b]\n",
		"a merge in place":   ":x: &base {task_limit: 7}\n:config:\n  task_limit: 8\n  <<: *base\n",
		"a merge overridden": ":x: &base {task_limit: 8}\n:config:\n  <<: *base\n  task_limit: 7\n",
		"a merge of itself":  ":config: &c\n  <<: *c\n  task_limit: 7\n",
		"odd keys":           ":config:\n  [a]: b\n  {c: d}: e\n  ~: f\n  1: g\n  ? task_limit\n  : 7\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, err := loadText(t, text)
			if err != nil || s.TaskLimit != 7 {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

func TestPools(t *testing.T) {
	s, err := loadText(t, `
:config: {timeout: 20, ready_ttl: 30}
:pools:
- &base
  name: "with: colon"
  alias: one, not two
  size: "5"
  provider: :dummy
- <<: *base
  name: spaces and.dots-and-dashes
  alias: [~, x, 12]
  timeout: 0
- name: ünïcode-池
  size: 0
  ready_ttl: 0
- name: with:colon
- name: ünïcode-池
  folder: later
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []Pool{
		{Name: "with: colon", Aliases: []string{"one, not two"}, Size: OptionalInt{5, true}, Timeout: 20 * time.Minute, ReadyTTL: 30 * time.Minute, Provider: "dummy", Source: "vmpooler.yaml:4"},
		{Name: "spaces and.dots-and-dashes", Aliases: []string{"x", "12"}, Size: OptionalInt{5, true}, Timeout: 0, ReadyTTL: 30 * time.Minute, Provider: "dummy", Source: "vmpooler.yaml:9"},
		{Name: "ünïcode-池", Size: OptionalInt{0, true}, Timeout: 20 * time.Minute, Folder: "later", Source: "vmpooler.yaml:13"},
		{Name: "with:colon", Timeout: 20 * time.Minute, ReadyTTL: 30 * time.Minute, Source: "vmpooler.yaml:16"},
	}
	if diff := cmp.Diff(want, s.Pools); diff != "" {
		t.Error(diff)
	}
}

func TestNoPoolsAndAnEmptyListDiffer(t *testing.T) {
	for text, want := range map[string][]Pool{
		":config: {}": nil, ":pools:\n": nil, ":pools: []": {},
	} {
		s, err := loadText(t, text)
		if err != nil || (s.Pools == nil) != (want == nil) || len(s.Pools) != 0 {
			t.Errorf("%q: got %#v, %v", text, s.Pools, err)
		}
	}
}

func TestHostileFilesEndSoon(t *testing.T) {
	var doubling strings.Builder // 2^60 entries, were they all merged
	doubling.WriteString(":x0: &x0 {a: 1}\n")
	for i := range 60 {
		fmt.Fprintf(&doubling, ":x%d: &x%d\n  <<: [*x%d, *x%d]\n", i+1, i+1, i, i)
	}
	var chain strings.Builder
	chain.WriteString(":x0: &x0 {a: 1}\n")
	for i := range 5_000 {
		fmt.Fprintf(&chain, ":x%d: &x%d\n  <<: *x%d\n", i+1, i+1, i)
	}
	const tooMany = "vmpooler.yaml: uses too many aliases or merge keys"
	const tooDeep = "vmpooler.yaml:1: is not valid YAML hereabouts: exceeded max depth of 10000"
	for name, c := range map[string]struct{ text, want string }{
		"merge keys that double":   {doubling.String() + ":config:\n  <<: *x60\n", tooMany},
		"a long chain of merges":   {chain.String() + ":config:\n  <<: *x5000\n", tooMany},
		"aliases of a large list":  {":a: &a {k: [" + strings.Repeat("1,", 1000) + "]}\n:pools: [" + strings.Repeat("*a,", 100_000) + "]\n", tooMany},
		"a list that holds itself": {":pools: &a [&b [*a, *a], *b, *b]\n", "vmpooler.yaml:1: :pools:: pool 1 must be a map, not a list\n"},
		"deep nesting":             {":pools: " + strings.Repeat("[", 100_000), tooDeep},
		"deep nesting in blocks":   {":pools:\n" + strings.Repeat("- ", 100_000), "vmpooler.yaml:2: is not valid YAML"},
		"very many nulls":          {":pools: [" + strings.Repeat("~,", 1<<17) + "]", "vmpooler.yaml:1: :pools:: pool 1 must be a map, not nothing\n"},
		"one key very often":       {":config: {" + strings.Repeat("a,", 1<<16) + "dlq_ttl: x}", "vmpooler.yaml:1: dlq_ttl: must be a whole number of hours, not \"x\""},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := loadText(t, c.text)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %.200v, want %s", err, c.want)
			}
		})
	}
}
