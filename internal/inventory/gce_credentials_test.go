package inventory

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// google is a server for tokens and for instances. It counts logins.
type google struct {
	*httptest.Server

	logins int
	refuse bool
	token  string // what it hands out, and takes
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	g := &google{token: secret + "-token"}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *google) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == gcePath && r.Header.Get("Authorization") == "Bearer "+g.token:
		fmt.Fprint(w, page("", "a"))
	case r.URL.Path == gcePath:
		w.WriteHeader(http.StatusUnauthorized)
	case g.refuse:
		g.logins++
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"hunter2"}`)
	default:
		g.logins++
		w.Header().Set("Metadata-Flavor", "Google")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, g.token)
	}
}

// credentialsIn writes a file of credentials and makes it the one in force.
func credentialsIn(t *testing.T, file any) {
	t.Helper()
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
}

func serviceAccount(t *testing.T, tokenURI string) map[string]string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return map[string]string{"type": "service_account", "client_email": "a@example", "private_key": string(text), "token_uri": tokenURI}
}

func TestGCELogsInWithTheDefaultCredentials(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *google){
		"a service account": func(t *testing.T, g *google) {
			t.Helper()
			credentialsIn(t, serviceAccount(t, g.URL+"/token"))
		},
		"a user": func(t *testing.T, g *google) {
			t.Helper()
			credentialsIn(t, map[string]string{"type": "authorized_user", "client_id": "c", "client_secret": secret, "refresh_token": secret, "token_uri": g.URL + "/token"})
		},
		"gcloud's file": func(t *testing.T, g *google) {
			t.Helper()
			credentialsIn(t, serviceAccount(t, g.URL+"/token"))
			dir := t.TempDir()
			if err := os.Rename(os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"), filepath.Join(dir, "application_default_credentials.json")); err != nil {
				t.Fatal(err)
			}
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
			t.Setenv("CLOUDSDK_CONFIG", dir)
		},
		"the metadata server": func(t *testing.T, g *google) {
			t.Helper()
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
			t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
			t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(g.URL, "http://"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, c := newGoogle(t), &clock{time.Now()}
			prepare(t, g)
			inv, err := New([]config.Provider{gceConfig}, []config.Pool{debian}, Options{GCEURL: g.URL + "/compute/v1", Now: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer inv.Close()
			pools := []config.Pool{debian, debian, debian}
			for round, least := range []int{1, 1, 2} {
				if round == 2 {
					c.advance(59 * time.Minute) // the token has one minute left
				}
				for _, l := range inv.List(t.Context(), pools) {
					if l.Err != nil || len(l.VMs) != 1 {
						t.Error(l.VMs, l.Err)
					}
				}
				if g.logins < least || (round < 2 && g.logins > least) { // a token's end is by the real clock
					t.Errorf("round %d: %d logins, want %d", round, g.logins, least)
				}
			}
		})
	}
}

func TestGCEATokenThatIsRefusedIsReplacedOnce(t *testing.T) {
	g := newGoogle(t)
	credentialsIn(t, serviceAccount(t, g.URL+"/token"))
	inv, err := New([]config.Provider{gceConfig}, []config.Pool{debian}, Options{GCEURL: g.URL + "/compute/v1"})
	if err != nil {
		t.Fatal(err)
	}
	defer inv.Close()
	inv.List(t.Context(), []config.Pool{debian})
	g.token = "another"
	if l := inv.List(t.Context(), []config.Pool{debian})[0]; l.Err != nil || g.logins != 2 {
		t.Error(l.Err, g.logins)
	}
}

func TestGCEWithoutCredentials(t *testing.T) {
	g := newGoogle(t)
	for name, c := range map[string]struct {
		prepare func(*testing.T)
		want    string
	}{
		"no file": {func(t *testing.T) {
			t.Helper()
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nosuch")
		}, "no such file"},
		"no JSON": {func(t *testing.T) {
			t.Helper()
			credentialsIn(t, secret)
		}, "is no file of credentials"},
		"another type": {func(t *testing.T) {
			t.Helper()
			credentialsIn(t, map[string]string{"type": "gdch"})
		}, `credentials of type "gdch" are not known here`},
		"a broken key": {func(t *testing.T) {
			t.Helper()
			credentialsIn(t, map[string]string{"type": "service_account", "private_key": secret})
		}, "private key"},
		"half of an external account": {func(t *testing.T) {
			t.Helper()
			credentialsIn(t, map[string]string{"type": "external_account"})
		}, "Audience"},
		"refused": {func(t *testing.T) {
			t.Helper()
			g.refuse = true
			credentialsIn(t, serviceAccount(t, g.URL+"/token"))
		}, "the login was refused: 400 Bad Request: invalid_grant"},
		"no metadata server": {func(t *testing.T) {
			t.Helper()
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
			t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
			t.Setenv("GCE_METADATA_HOST", "127.0.0.1:1")
		}, "GOOGLE_APPLICATION_CREDENTIALS is not set, and there is no metadata server"},
		"a metadata server that refuses": {func(t *testing.T) {
			t.Helper()
			g.refuse = true
			t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
			t.Setenv("CLOUDSDK_CONFIG", t.TempDir())
			t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(g.URL, "http://"))
		}, "the metadata server answers: 400"},
	} {
		t.Run(name, func(t *testing.T) {
			g.refuse = false
			c.prepare(t)
			_, err := listPool(t, gceConfig, debian, Options{GCEURL: g.URL + "/compute/v1"})
			wantError(t, err, c.want)
		})
	}
}
