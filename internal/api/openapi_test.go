package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// description is openapi.yaml as the validator has it.
var description = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPISource)
	if err != nil {
		return nil, err
	}
	lines := func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		text, err := io.ReadAll(body)
		return string(text), err
	}
	openapi3filter.RegisterBodyDecoder("application/x-ndjson", lines)
	return legacy.NewRouter(doc) // validates it
})

// described holds a request that was answered, and its answer, against the
// description.
func described(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	router, err := description()
	if err != nil {
		t.Fatal(err)
	}
	route, pathParams, err := router.FindRoute(r)
	if err != nil { // then it must be one of ours that says so
		if w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s %s is not described, and is answered with %d", r.Method, r.URL, w.Code)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: pathParams, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
	if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil && w.Code < 300 {
		t.Errorf("%s %s is answered, and should not be: %v", r.Method, r.URL, err)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(),
		Body:    io.NopCloser(bytes.NewReader(w.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s is answered with %d, but not as described: %v\n%s", r.Method, r.URL, w.Code, err, w.Body)
	}
}

func TestTheDescriptionIsValidAndItsOwnExamplesToo(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPISource)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("version %s", doc.OpenAPI)
	}
}

// Every route is described with the parameters that it takes, and nothing else is.
func TestRoutesAndTheirDescriptionAreTheSame(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openAPISource)
	if err != nil {
		t.Fatal(err)
	}
	inPath := regexp.MustCompile(`\{(\w+)\}`)
	seen := make(map[string]bool)
	for _, rt := range (&api{}).routes() {
		seen[rt.name()] = true
		item := doc.Paths.Value(rt.pattern)
		if item == nil || item.GetOperation(rt.method) == nil {
			t.Errorf("%s is not described", rt.name())
			continue
		}
		var query, path []string
		for _, p := range item.GetOperation(rt.method).Parameters {
			switch p.Value.In {
			case "query":
				query = append(query, p.Value.Name)
			case "path":
				path = append(path, p.Value.Name)
			}
		}
		want := slices.Clone(rt.params)
		slices.Sort(query)
		slices.Sort(want)
		if !slices.Equal(query, want) {
			t.Errorf("%s is described with the parameters %v, and takes %v", rt.name(), query, want)
		}
		var names []string
		for _, m := range inPath.FindAllStringSubmatch(rt.pattern, -1) {
			names = append(names, m[1])
		}
		if !slices.Equal(path, names) {
			t.Errorf("%s: path parameters %v", rt.name(), path)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !seen[method+" "+path] {
				t.Errorf("%s %s is described and does not exist", method, path)
			}
		}
	}
}

// The validator must find what is wrong, or the tests above say nothing.
func TestTheValidatorFindsWhatIsWrong(t *testing.T) {
	router, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		path, body string
		code       int
	}{
		"an unknown field":       {"/api/v1/queue/dlq", `{"status":"success","data":{"entries":[],"next_cursor":"","more":1}}`, 200},
		"a missing field":        {"/api/v1/queue/dlq", `{"status":"success","data":{"entries":[]}}`, 200},
		"half an entry":          {"/api/v1/queue/dlq", `{"status":"success","data":{"entries":[{"id":"a","queue":"clone","vm":"b"}],"next_cursor":""}}`, 200},
		"an unknown status":      {"/api/v1/queue/health", `{"status":"fine","data":{}}`, 200},
		"another kind of error":  {"/api/v1/queue/dlq", `{"status":"error","errorType":"internal","error":"x"}`, 400},
		"an unknown kind":        {"/api/v1/queue/dlq", `{"status":"error","errorType":"odd","error":"x"}`, 418},
		"a word for a number":    {"/api/v1/queue/purge/history", `{"status":"success","data":{"records":[],"next_cursor":"","unreadable":"none"}}`, 200},
		"a time that is none":    {"/api/v1/queue/purge", `{"status":"success","data":{"enabled":true,"dry_run":true,"next_at":"soon","last":null}}`, 200},
		"null that is not known": {"/api/v1/queue/purge", `{"status":"success","data":null}`, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, tc.path, nil)
			route, params, err := router.FindRoute(r)
			if err != nil {
				t.Fatal(err)
			}
			err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
				RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
				Status:                 tc.code, Header: http.Header{"Content-Type": {"application/json"}, "Etag": {`W/"a"`}},
				Body:    io.NopCloser(strings.NewReader(tc.body)),
				Options: &openapi3filter.Options{IncludeResponseStatus: true},
			})
			if _, refused := errors.AsType[*openapi3filter.ResponseError](err); !refused {
				t.Errorf("%v", err)
			}
		})
	}
}
