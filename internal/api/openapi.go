package api

import (
	_ "embed"
	"fmt"
	"net/http"

	"go.yaml.in/yaml/v3"
)

// openAPISource is written by hand, in YAML for its comments' and its readers' sake.
//
//go:embed openapi.yaml
var openAPISource []byte

// openAPI returns the description as JSON.
func openAPI() ([]byte, error) {
	var document map[string]any
	if err := yaml.Unmarshal(openAPISource, &document); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return encode(document)
}

func (a *api) getOpenAPI(w http.ResponseWriter, _ *http.Request, _ values) error {
	send(w, http.StatusOK, a.openapi)
	return nil
}
