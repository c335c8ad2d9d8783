package inventory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

const (
	gceURL        = "https://compute.googleapis.com/compute/v1"
	gcePageSize   = 500
	maxGCEPages   = 1000     // half a million VMs of one pool
	maxGCEBody    = 16 << 20 // bytes, of one page
	gceRetryAfter = time.Second
)

// gce lists the instances of a zone that have the pool's name in their label pool,
// which is how vmpooler marks what it makes. Unlike vmpooler it reads all pages.
type gce struct {
	provider config.Provider
	base     string
	client   *http.Client
	token    *held[string] // nil if the client has credentials of its own
	wait     func(context.Context, time.Duration)
}

func newGCE(p config.Provider, opts Options) *gce {
	g := &gce{provider: p, base: cmp.Or(opts.GCEURL, gceURL), client: opts.GCEClient, wait: sleep}
	if g.client == nil {
		transport := capped{newTransport(), maxGCEBody}
		g.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		g.token = newHeld(opts.Now, newCredentials(transport, opts.Now).fetch)
	}
	return g
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// gcePage is as much of an answer as is read.
type gcePage struct {
	Kind  string `json:"kind"`
	Items []struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"items"`
	NextPageToken string `json:"nextPageToken"`
	Warning       *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"warning"`
}

// List implements Lister. One page that fails or comes with a warning fails all.
func (g *gce) List(ctx context.Context, pool config.Pool) ([]string, error) {
	query, err := g.query(pool)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for n := 1; ; n++ {
		page, err := g.page(ctx, query.String())
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", n, err)
		}
		for _, vm := range page.Items {
			if vm.Labels["pool"] != pool.Name {
				return nil, fmt.Errorf("page %d: instance %q has not the label that was asked for", n, vm.Name)
			}
			names = append(names, vm.Name)
		}
		values := query.Query()
		switch {
		case page.NextPageToken == "":
			return names, nil
		case page.NextPageToken == values.Get("pageToken") || n == maxGCEPages:
			return nil, fmt.Errorf("page %d: the pages do not end", n)
		}
		values.Set("pageToken", page.NextPageToken)
		query.RawQuery = values.Encode()
	}
}

// query is the address of the pool's first page.
func (g *gce) query(pool config.Pool) (*url.URL, error) {
	zone := cmp.Or(pool.Zone, g.provider.Zone)
	switch {
	case g.provider.Project == "":
		return nil, errors.New("vmpooler.yaml has no project for it")
	case zone == "":
		return nil, errors.New("vmpooler.yaml has no zone for it, nor for the pool")
	case pool.Name == "" || strings.ContainsFunc(pool.Name, notInLabel):
		return nil, errors.New("the pool's name can't be a label's value, so no instance has it") // and a filter is made of it
	}
	u, err := url.Parse(g.base)
	if err != nil {
		return nil, err
	}
	u = u.JoinPath("projects", url.PathEscape(g.provider.Project), "zones", url.PathEscape(zone), "instances")
	u.RawQuery = url.Values{
		"filter":     {"(labels.pool = " + pool.Name + ")"},
		"fields":     {"kind,items(name,labels),nextPageToken,warning"},
		"maxResults": {strconv.Itoa(gcePageSize)},
	}.Encode()
	return u, nil
}

// notInLabel says whether Google refuses the character in a label's value.
func notInLabel(c rune) bool {
	return c != '-' && c != '_' && !unicode.IsDigit(c) && !unicode.IsLower(c) && !unicode.Is(unicode.Lo, c)
}

// page gets a page, in two attempts if the first failed for a reason that may pass.
func (g *gce) page(ctx context.Context, address string) (*gcePage, error) {
	page, retry, err := g.get(ctx, address)
	if err != nil && retry > 0 && ctx.Err() == nil {
		g.wait(ctx, retry)
		page, _, err = g.get(ctx, address)
	}
	return page, err
}

// get gets a page. With an error it says after how long another attempt makes
// sense, 0 if none does.
func (g *gce) get(ctx context.Context, address string) (*gcePage, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("User-Agent", "vmpooler_exporter")
	var token string
	if g.token != nil {
		if token, err = g.token.take(ctx); err != nil {
			return nil, 0, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return nil, gceRetryAfter, withoutURL(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxGCEBody+1))
	switch {
	case err != nil:
		return nil, gceRetryAfter, err
	case len(body) > maxGCEBody:
		return nil, 0, fmt.Errorf("the answer is larger than %d MiB", maxGCEBody>>20)
	case res.StatusCode == http.StatusUnauthorized && g.token != nil:
		return nil, gceRetryAfter, errors.Join(gceError(res.Status, body), g.token.forget(ctx, token))
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= http.StatusInternalServerError:
		return nil, gceRetryAfter, gceError(res.Status, body)
	case res.StatusCode != http.StatusOK:
		return nil, 0, gceError(res.Status, body)
	}
	page, err := readPage(body)
	return page, 0, err
}

// readPage reads an answer that was no error. What is no list of instances must
// not pass for an empty one.
func readPage(body []byte) (*gcePage, error) {
	var page gcePage
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("the answer can't be read: %w", err)
	}
	switch {
	case page.Kind != "compute#instanceList":
		return nil, fmt.Errorf("the answer is no list of instances, but %q", page.Kind)
	case page.Warning != nil:
		return nil, fmt.Errorf("it comes with a warning: %s: %s", page.Warning.Code, page.Warning.Message)
	}
	return &page, nil
}

// gceError is the API's own words, if there are any.
func gceError(status string, body []byte) error {
	var answer struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		return fmt.Errorf("%s: %s", status, answer.Error.Message)
	}
	return errors.New(status)
}

// withoutURL drops the address, which is long and says little, from a client's error.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func (g *gce) close(context.Context) { g.client.CloseIdleConnections() }
