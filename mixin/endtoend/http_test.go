package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// client keeps no connections, so that nothing of it outlives a test.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// get is a plain GET.
func get(ctx context.Context, url string) (status int, body []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// getJSON decodes an answer of 200 into v; any other is an error with its text.
func getJSON(ctx context.Context, url string, v any) error {
	status, body, err := get(ctx, url)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%d: %s", status, body)
	}
	return json.Unmarshal(body, v)
}
