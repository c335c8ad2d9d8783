// Package access says who may change something through the web: nobody, unless that
// is turned on, and then the users that are named, who have shown who they are.
//
// Requests flow in, names of users or the reason of a refusal flow out. Passwords are
// checked by exporter-toolkit before a request comes here; this package reads its
// configuration only to know that they are. What was typed is never kept, logged or
// counted.
package access

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Refusal is why a request may change nothing.
type Refusal string //nolint:errname // a label's value as much as an error

// The refusals, in the order in which they are looked for.
const (
	ErrOff            Refusal = "off"              // the admin API is not turned on
	ErrUnidentified   Refusal = "unidentified"     // nobody has shown who they are
	ErrNotAdmin       Refusal = "not_admin"        // the user is not among the admins
	ErrForeignHost    Refusal = "foreign_host"     // nobody logs in, and it was sent to a name that is not this host's own
	ErrCrossOrigin    Refusal = "cross_origin"     // a browser sent it from another site's page
	ErrWrongMediaType Refusal = "wrong_media_type" // it is no JSON
)

// Refusals lists all.
func Refusals() []Refusal {
	return []Refusal{ErrOff, ErrUnidentified, ErrNotAdmin, ErrForeignHost, ErrCrossOrigin, ErrWrongMediaType}
}

// Error implements error.
func (r Refusal) Error() string {
	switch r {
	case ErrOff:
		return "what changes something is off: --web.enable-admin-api turns it on"
	case ErrUnidentified:
		return "nobody has logged in"
	case ErrNotAdmin:
		return "the user is not among --web.admin-users"
	case ErrForeignHost:
		return "the request was sent to another name than localhost or a loopback address: behind a proxy, let users log in"
	case ErrCrossOrigin:
		return "the request came from a page of another site"
	case ErrWrongMediaType:
		return "the Content-Type must be application/json"
	}
	return string(r)
}

// Policy says who may change something.
type Policy struct {
	Enabled bool     // --web.enable-admin-api
	Users   []string // --web.admin-users: names of users, or common names of client certificates
	// WebConfig is exporter-toolkit's file, read anew for each request, as it does
	// itself; "" for none.
	WebConfig string
	// Local says that only this host can reach the exporter at all, see Local.
	Local bool
}

// local is the name of whoever reaches an exporter without a login that only its host
// can reach.
const local = "local"

// Who returns the user who may change something by this request, for a log and an
// audit. form says that it is one of the page's own forms, which are no JSON. The error
// is a Refusal, or one of the web configuration.
func (p *Policy) Who(r *http.Request, form bool) (string, error) {
	user, err := p.user(r)
	if err != nil {
		return "", err
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return "", ErrCrossOrigin
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); !form && r.Method == http.MethodPost && (err != nil || media != "application/json") {
		return "", ErrWrongMediaType
	}
	return user, nil
}

// Admin says whether whoever sent the request is one who may change something, and
// who that is.
func (p *Policy) Admin(r *http.Request) (user string, ok bool) {
	user, err := p.user(r)
	return user, err == nil
}

func (p *Policy) user(r *http.Request) (string, error) {
	if !p.Enabled {
		return "", ErrOff
	}
	web, err := readWebConfig(p.WebConfig)
	if err != nil {
		return "", err
	}
	user := identify(r, web)
	switch {
	case user == "" && p.Local && !web.authenticates():
		if !ownName(r.Host) {
			return "", ErrForeignHost
		}
		return local, nil
	case user == "":
		return "", ErrUnidentified
	case !slices.Contains(p.Users, user):
		return "", ErrNotAdmin
	}
	return user, nil
}

// identify returns who has shown who they are, "" if nobody has. A name in a header
// counts only where exporter-toolkit has checked the password that came with it, and a
// certificate only where it was verified.
func identify(r *http.Request, web *webConfig) string {
	if len(web.Users) > 0 {
		if user, _, ok := r.BasicAuth(); ok {
			return user
		}
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return r.TLS.VerifiedChains[0][0].Subject.CommonName
	}
	return ""
}

// webConfig is what of exporter-toolkit's file says who is let in.
type webConfig struct {
	Users map[string]any `yaml:"basic_auth_users"` // the values are hashes: not looked at
	TLS   struct {
		ClientAuth string `yaml:"client_auth_type"`
	} `yaml:"tls_server_config"`
}

// authenticates says whether anybody has to show who they are.
func (w *webConfig) authenticates() bool {
	return len(w.Users) > 0 || w.TLS.ClientAuth == "RequireAndVerifyClientCert"
}

func readWebConfig(path string) (*webConfig, error) {
	var w webConfig
	if path == "" {
		return &w, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the web configuration: %w", err)
	}
	if err := yaml.Unmarshal(text, &w); err != nil {
		return nil, fmt.Errorf("the web configuration %s can't be read", path) // the decoder's error may quote it
	}
	return &w, nil
}

// Check says what is wrong with a policy, before anything is served: one by which
// strangers could change something, or by which nobody could.
func (p *Policy) Check() error {
	if !p.Enabled {
		if len(p.Users) > 0 {
			return errors.New("--web.admin-users has no effect without --web.enable-admin-api")
		}
		return nil
	}
	web, err := readWebConfig(p.WebConfig)
	switch {
	case err != nil:
		return err
	case !web.authenticates() && !p.Local:
		return errors.New("--web.enable-admin-api needs users who log in (basic_auth_users or client_auth_type: RequireAndVerifyClientCert in --web.config.file), or to listen on loopback or a unix socket alone")
	case web.authenticates() && len(p.Users) == 0:
		return errors.New("--web.enable-admin-api needs --web.admin-users: who may change something")
	}
	if len(web.Users) > 0 && web.TLS.ClientAuth != "RequireAndVerifyClientCert" {
		for _, user := range p.Users {
			if _, known := web.Users[user]; !known {
				return fmt.Errorf("--web.admin-users: %s is none of basic_auth_users", user)
			}
		}
	}
	return nil
}
