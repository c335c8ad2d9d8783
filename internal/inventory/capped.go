package inventory

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// capped is a transport whose answers end with an error when they are larger than
// most bytes.
type capped struct {
	http.RoundTripper

	most int64
}

func (c capped) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(req)
	if err == nil {
		res.Body = &cappedBody{ReadCloser: res.Body, left: c.most, most: c.most}
	}
	return res, err
}

// CloseIdleConnections is what http.Client looks for.
func (c capped) CloseIdleConnections() {
	if t, ok := c.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

type cappedBody struct {
	io.ReadCloser

	left, most int64
}

func (b *cappedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("the answer is larger than %d MiB", b.most>>20)
	}
	return n, err
}

// newTransport is http.DefaultTransport with shorter waits, and nobody else's.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
	}
}
