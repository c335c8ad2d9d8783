package build

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var (
	// As https://semver.org has it, without its groups.
	semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
		`(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
		`(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$`)
	heading  = regexp.MustCompile(`(?m)^## (.*)$`)
	released = regexp.MustCompile(`^\[([^\]]+)\] - \d{4}-\d{2}-\d{2}( \[YANKED\])?$`)
)

const unreleased = "[Unreleased]"

// checkVersion returns what is wrong with VERSION's text beside CHANGELOG.md's:
// it is that of the newest release, or of the first one while there is none
// yet and [Unreleased] says what it will bring.
func checkVersion(version, changelog string) error {
	version, ok := strings.CutSuffix(version, "\n")
	if !ok || !semver.MatchString(version) {
		return fmt.Errorf("VERSION is %q, want one line with a semantic version", version)
	}
	headings := heading.FindAllStringSubmatchIndex(changelog, -1)
	for i, at := range headings {
		title := changelog[at[2]:at[3]]
		end := len(changelog)
		if i+1 < len(headings) {
			end = headings[i+1][0]
		}
		m := released.FindStringSubmatch(title)
		switch {
		case title == unreleased && i > 0:
			return fmt.Errorf("CHANGELOG.md: %s is not on top", unreleased)
		case title == unreleased && len(headings) == 1 && !strings.Contains(changelog[at[1]:end], "\n- "):
			return fmt.Errorf("CHANGELOG.md: nothing was released and %s is empty", unreleased)
		case title == unreleased:
		case m == nil:
			return fmt.Errorf("CHANGELOG.md: %q is neither %s nor a version and its date", title, unreleased)
		case m[1] != version:
			return fmt.Errorf("VERSION is %s, CHANGELOG.md's newest release %s", version, m[1])
		default:
			return nil
		}
	}
	if len(headings) == 0 {
		return errors.New("CHANGELOG.md has no headings")
	}
	return nil
}

func TestVersionIsTheChangelogs(t *testing.T) {
	if err := checkVersion(read(t, "VERSION"), read(t, "CHANGELOG.md")); err != nil {
		t.Error(err)
	}
}

func TestCheckVersion(t *testing.T) {
	const top = "# Changelog\n\n"
	for name, c := range map[string]struct {
		version, changelog string
		ok                 bool
	}{
		"the first version, not released yet":  {"0.1.0\n", top + "## [Unreleased]\n\n### Added\n\n- this\n", true},
		"the newest release":                   {"1.1.0\n", top + "## [1.1.0] - 2026-01-02\n- a\n\n## [1.0.0] - 2026-01-01\n- b\n", true},
		"the newest release, work going on":    {"1.1.0\n", top + "## [Unreleased]\n- c\n\n## [1.1.0] - 2026-01-02\n- a\n", true},
		"work not begun after a release":       {"1.1.0\n", top + "## [Unreleased]\n\n## [1.1.0] - 2026-01-02\n- a\n", true},
		"a release candidate":                  {"1.1.0-rc.1\n", top + "## [1.1.0-rc.1] - 2026-01-02\n- a\n", true},
		"an older release":                     {"1.0.0\n", top + "## [1.1.0] - 2026-01-02\n- a\n\n## [1.0.0] - 2026-01-01\n- b\n", false},
		"a release that is not in the changes": {"1.2.0\n", top + "## [Unreleased]\n- c\n\n## [1.1.0] - 2026-01-02\n- a\n", false},
		"nothing released and nothing to be":   {"0.1.0\n", top + "## [Unreleased]\n", false},
		"unreleased below a release":           {"1.0.0\n", top + "## [2.0.0] - 2026-01-02\n- a\n\n## [Unreleased]\n- b\n", false},
		"a release without its date":           {"1.0.0\n", top + "## [1.0.0]\n- a\n", false},
		"no headings":                          {"1.0.0\n", top, false},
		"a v in front":                         {"v1.0.0\n", top + "## [v1.0.0] - 2026-01-01\n- a\n", false},
		"two numbers":                          {"1.0\n", top + "## [1.0] - 2026-01-01\n- a\n", false},
		"no line end":                          {"1.0.0", top + "## [1.0.0] - 2026-01-01\n- a\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := checkVersion(c.version, c.changelog); (err == nil) != c.ok {
				t.Errorf("checkVersion = %v, want it to be right: %t", err, c.ok)
			}
		})
	}
}
