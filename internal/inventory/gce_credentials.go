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
	"os"
	"path/filepath"
	"regexp"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google/externalaccount"
	"golang.org/x/oauth2/jwt"
)

const (
	// gceScope allows reading, whatever else the account may do.
	gceScope    = "https://www.googleapis.com/auth/compute.readonly"
	gceTokenURL = "https://oauth2.googleapis.com/token" //nolint:gosec // an address

	// tokenMargin is how long before its end a token is replaced: it has to
	// last for the call that it is taken for.
	tokenMargin = 2 * time.Minute
)

// credentials are Google's application default credentials, looked for where all
// of Google's clients look: the file in GOOGLE_APPLICATION_CREDENTIALS, gcloud's
// own, the metadata server of the machine.
type credentials struct {
	transport http.RoundTripper
	getenv    func(string) string
	now       func() time.Time
}

func newCredentials(transport http.RoundTripper, now func() time.Time) *credentials {
	return &credentials{transport: transport, getenv: os.Getenv, now: now}
}

// fetch gets a token and says until when to use it. No error holds a secret.
func (c *credentials) fetch(ctx context.Context) (string, time.Time, error) {
	token, err := c.token(ctx)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("no credentials: %w", err)
	}
	if token.AccessToken == "" {
		return "", time.Time{}, errors.New("no credentials: the answer has no token in it")
	}
	expires := token.Expiry
	if !expires.IsZero() {
		expires = expires.Add(-tokenMargin)
	}
	return token.AccessToken, expires, nil
}

func (c *credentials) token(ctx context.Context) (*oauth2.Token, error) {
	path := c.getenv("GOOGLE_APPLICATION_CREDENTIALS")
	if path == "" {
		dir := cmp.Or(c.getenv("CLOUDSDK_CONFIG"), filepath.Join(cmp.Or(c.getenv("HOME"), "/"), ".config", "gcloud"))
		path = filepath.Join(dir, "application_default_credentials.json")
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return c.fromMetadata(ctx)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file credentialsFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s is no file of credentials", path) // the decoder's error may quote it
	}
	token, err := file.token(context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: bound{c.transport, ctx}}))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, tokenError(err))
	}
	return token, nil
}

// credentialsFile is a file of credentials, of one of three types.
type credentialsFile struct {
	Type string `json:"type"`

	ClientEmail  string `json:"client_email"` // service_account
	PrivateKey   string `json:"private_key"`
	PrivateKeyID string `json:"private_key_id"`
	TokenURI     string `json:"token_uri"`

	ClientID     string `json:"client_id"` // authorized_user
	ClientSecret string `json:"client_secret"`
	RefreshToken string `json:"refresh_token"`

	Audience         string                            `json:"audience"` // external_account
	SubjectTokenType string                            `json:"subject_token_type"`
	TokenURL         string                            `json:"token_url"`
	Impersonation    string                            `json:"service_account_impersonation_url"`
	CredentialSource *externalaccount.CredentialSource `json:"credential_source"`
}

// token logs in, with the client that is in ctx.
func (f *credentialsFile) token(ctx context.Context) (*oauth2.Token, error) {
	switch f.Type {
	case "service_account":
		cfg := jwt.Config{
			Email: f.ClientEmail, PrivateKey: []byte(f.PrivateKey), PrivateKeyID: f.PrivateKeyID,
			Scopes: []string{gceScope}, TokenURL: cmp.Or(f.TokenURI, gceTokenURL),
		}
		return cfg.TokenSource(ctx).Token()
	case "authorized_user":
		cfg := oauth2.Config{
			ClientID: f.ClientID, ClientSecret: f.ClientSecret,
			Endpoint: oauth2.Endpoint{TokenURL: cmp.Or(f.TokenURI, gceTokenURL), AuthStyle: oauth2.AuthStyleInParams},
		}
		return cfg.TokenSource(ctx, &oauth2.Token{RefreshToken: f.RefreshToken}).Token()
	case "external_account":
		source, err := externalaccount.NewTokenSource(ctx, externalaccount.Config{
			Audience: f.Audience, SubjectTokenType: f.SubjectTokenType, TokenURL: f.TokenURL,
			ServiceAccountImpersonationURL: f.Impersonation, CredentialSource: f.CredentialSource,
			ClientID: f.ClientID, ClientSecret: f.ClientSecret, Scopes: []string{gceScope},
		})
		if err != nil {
			return nil, err
		}
		return source.Token()
	}
	return nil, fmt.Errorf("credentials of type %q are not known here", f.Type)
}

// oauthCode is what a refusal's code looks like: invalid_grant.
var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// tokenError drops the body of a refusal, which is anybody's guess, but for the
// error's code.
func tokenError(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refused.Response == nil {
		return withoutURL(err)
	}
	if status := refused.Response.StatusCode; status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		return errors.New(refused.Response.Status)
	}
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(refused.Body, &answer) != nil || !oauthCode.MatchString(answer.Error) {
		answer.Error = "for no reason given"
	}
	return fmt.Errorf("the login was %w: %s: %s; it is tried again after %s", errRefused, refused.Response.Status, answer.Error, afterRefusal)
}

// fromMetadata asks the metadata server of a machine of Google's.
func (c *credentials) fromMetadata(ctx context.Context) (*oauth2.Token, error) {
	u := url.URL{
		Scheme: "http", Host: cmp.Or(c.getenv("GCE_METADATA_HOST"), "169.254.169.254"),
		Path: "/computeMetadata/v1/instance/service-accounts/default/token", RawQuery: url.Values{"scopes": {gceScope}}.Encode(),
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Metadata-Flavor", "Google")
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("GOOGLE_APPLICATION_CREDENTIALS is not set, and there is no metadata server: %w", err)
	}
	defer res.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"` // seconds
	}
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || res.Header.Get("Metadata-Flavor") != "Google") {
		err = errors.New(res.Status)
	}
	if err == nil && json.Unmarshal(body, &answer) != nil {
		err = errors.New("no JSON")
	}
	if err != nil {
		return nil, fmt.Errorf("the metadata server answers: %w", err)
	}
	return &oauth2.Token{AccessToken: answer.AccessToken, Expiry: c.now().Add(time.Duration(answer.ExpiresIn) * time.Second)}, nil
}

// bound is a transport whose requests end with a context, whatever context they
// come with.
type bound struct {
	http.RoundTripper

	ctx context.Context //nolint:containedctx // the clients that use it take none
}

func (b bound) RoundTrip(req *http.Request) (*http.Response, error) {
	return b.RoundTripper.RoundTrip(req.WithContext(b.ctx))
}
