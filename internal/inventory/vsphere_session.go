package inventory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// maxSOAP bounds one answer, in bytes. A VM takes some 400.
const maxSOAP = 64 << 20

// login opens a session. It does not expire by our clock: the server says when it
// has. The error wraps errRefused if the server did not want the credentials.
func (v *vsphere) login(ctx context.Context) (*vim25.Client, time.Time, error) {
	transport := newTransport()
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: v.provider.Insecure, //nolint:gosec // only if vmpooler.yaml says so
	}
	sc := soap.NewClient(&url.URL{Scheme: "https", Host: hostPort(v.provider.Server), Path: "/sdk"}, v.provider.Insecure)
	sc.Transport = capped{transport, maxSOAP}
	sc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	sc.UserAgent = "vmpooler_exporter"

	client, err := vim25.NewClient(ctx, sc)
	if err == nil {
		err = session.NewManager(client).Login(ctx, url.UserPassword(v.provider.Username, v.provider.Password.Reveal()))
		if err != nil && soap.IsSoapFault(err) {
			err = fmt.Errorf("the login was %w (%w); it is tried again after %s", errRefused, err, afterRefusal)
		}
	}
	if err != nil {
		transport.CloseIdleConnections()
		return nil, time.Time{}, err
	}
	return client, time.Time{}, nil
}

// logout ends the session, if there is one.
func (v *vsphere) logout(ctx context.Context) {
	client, ok := v.session.release(ctx)
	if !ok {
		return
	}
	_ = session.NewManager(client).Logout(ctx) // else the server ends it when nobody uses it
	closeIdle(client)
}

// closeIdle closes the connections of a client that nobody is to use any more.
func closeIdle(client *vim25.Client) { client.Client.Client.CloseIdleConnections() }

// hostPort is the server with the brackets that an IPv6 address needs in a URL.
func hostPort(server string) string {
	if ip := net.ParseIP(server); ip != nil && strings.Contains(server, ":") {
		return "[" + server + "]"
	}
	return server
}

// errLoggedOut is an answer that lacks what only a session gets.
var errLoggedOut = errors.New("the session has expired")

// loggedOut says whether the server does not know the session any more.
func loggedOut(err error) bool {
	if errors.Is(err, errLoggedOut) {
		return true
	}
	if !soap.IsSoapFault(err) {
		return false
	}
	_, ok := soap.ToSoapFault(err).VimFault().(types.NotAuthenticated)
	return ok
}

// faultName is a fault's type, as vSphere's documentation has it: "NoPermission".
func faultName(fault any) string {
	t := reflect.TypeOf(fault)
	if t == nil {
		return "no reason given"
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
