package compile

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
)

func TestTheMixinsOwnTestsAreTrue(t *testing.T) {
	paths := glob(t, tests+"/*_test.jsonnet")
	if len(paths) == 0 {
		t.Fatal("no tests found")
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			said, err := machine().EvaluateFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, claim := range untrue(t, said) {
				t.Error(claim)
			}
		})
	}
}

// untrue returns the claims that don't hold: a test is true, or an object or an
// array of tests, and says something.
func untrue(t *testing.T, said string) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(said), &value); err != nil {
		t.Fatal(err)
	}
	var wrong []string
	n := 0
	var judge func(name string, value any)
	judge = func(name string, value any) {
		switch value := value.(type) {
		case map[string]any:
			for key, v := range value {
				judge(name+"."+key, v)
			}
		case []any:
			for i, v := range value {
				judge(fmt.Sprintf("%s[%d]", name, i), v)
			}
		default:
			n++
			if value != true {
				wrong = append(wrong, fmt.Sprintf("%s is %v, want true", name, value))
			}
		}
	}
	judge("the test", value)
	if n == 0 {
		wrong = append(wrong, "it claims nothing")
	}
	return wrong
}

func TestAClaimThatIsNotTrueFails(t *testing.T) {
	for said, want := range map[string]int{
		`true`: 0, `{"a": true, "b": [true]}`: 0,
		`false`: 1, `{}`: 1, `null`: 1, `{"a": [true, false]}`: 1, `[{"a": false}, "true", 1]`: 3,
	} {
		if wrong := untrue(t, said); len(wrong) != want {
			t.Errorf("%s: %v", said, wrong)
		}
	}
}
