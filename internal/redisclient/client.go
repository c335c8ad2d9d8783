package redisclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-kit/log"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// Name is what CLIENT LIST shows for the exporter's connections.
const Name = "vmpooler_exporter"

// The defaults of Options.
const (
	DefaultPoolSize    = 4
	DefaultDialTimeout = 5 * time.Second
	DefaultReadTimeout = 5 * time.Second
)

const (
	// maxRetries is how often a command is sent again after its connection was
	// found closed, or a server was loading or not (yet) a master. Two, because
	// go-redis can't see beforehand that an idle TLS connection is dead, and the
	// exporter seldom has more than two of them. Timeouts are not among the
	// reasons: see deadlineConn.
	maxRetries = 2
	// bufferSize holds the replies of a batch of pipelined reads.
	bufferSize = 64 << 10
	// maxIdle is shorter than what load balancers and Redis' own timeout setting
	// usually allow an idle connection.
	maxIdle = 5 * time.Minute
)

// Options are the settings that don't come from the operator's file.
type Options struct {
	PoolSize    int           // connections at the most; DefaultPoolSize if 0
	DialTimeout time.Duration // TCP and TLS together; DefaultDialTimeout if 0
	ReadTimeout time.Duration // for a reply where the context sets no earlier deadline; DefaultReadTimeout if 0

	// OnConnect, if not nil, is called whenever a connection to the server
	// itself (not to a Sentinel) has been opened, before its handshake. The
	// server may be another one than before, with other abilities. It is called
	// by whichever goroutine dialled, must not block and must not use the client.
	OnConnect func()

	// Logger hears of certificate files that could not be read again; nil for silence.
	Logger log.Logger
}

func (o Options) withDefaults() Options {
	if o.PoolSize == 0 {
		o.PoolSize = DefaultPoolSize
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = DefaultDialTimeout
	}
	if o.ReadTimeout == 0 {
		o.ReadTimeout = DefaultReadTimeout
	}
	if o.Logger == nil {
		o.Logger = log.NewNopLogger()
	}
	return o
}

// New returns a client for the server, or for the Sentinels' current master,
// that cfg describes; the caller closes it. It connects to nothing yet: an
// unreachable server shows in the first command, as a *ConnectError. New's own
// errors are those of cfg: a TLS file that can't be read or used (the error
// names it), Sentinel without addresses, half a client certificate.
func New(cfg config.Redis, o Options) (*redis.Client, error) {
	o = o.withDefaults()
	if cfg.SentinelMaster != "" && len(cfg.SentinelAddrs) == 0 {
		return nil, fmt.Errorf("redis: no addresses of the Sentinels for master %q", cfg.SentinelMaster)
	}
	if cfg.SentinelMaster == "" && cfg.Addr == "" {
		return nil, errors.New("redis: no address")
	}
	d := &dialer{net: net.Dialer{
		Timeout:         o.DialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3},
	}}
	if cfg.TLS.Enabled {
		files := &tlsFiles{cfg: cfg.TLS, logger: o.Logger}
		if _, err := files.load(); err != nil {
			return nil, err
		}
		d.tls = files
	}
	var client *redis.Client
	if cfg.SentinelMaster != "" {
		client = redis.NewFailoverClient(failoverOptions(cfg, o, d.dial))
	} else {
		client = redis.NewClient(serverOptions(cfg, o, d.dial))
	}
	client.AddHook(&hook{addr: Describe(cfg), onConnect: o.OnConnect})
	return client, nil
}

// credentials are asked for at each connection, so that a password that was
// changed in its file holds from the next one on.
func credentials(cfg config.Redis) func(context.Context) (username, password string, err error) {
	return func(context.Context) (string, string, error) {
		password, err := cfg.CurrentPassword()
		if err != nil {
			return "", "", err
		}
		return cfg.Username, password.Reveal(), nil
	}
}

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

func serverOptions(cfg config.Redis, o Options, dial dialFunc) *redis.Options {
	network := cfg.Network
	if network == "" {
		network = "tcp"
	}
	return &redis.Options{
		Network: network, Addr: cfg.Addr, Dialer: dial, DB: cfg.DB,
		// The user stands here for whoever asks the client who it is.
		Username: cfg.Username, CredentialsProviderContext: credentials(cfg),
		Protocol: 2, ContextTimeoutEnabled: true, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},

		PoolSize: o.PoolSize, PipelinePoolSize: -1, ConnMaxIdleTime: maxIdle,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.ReadTimeout,
		MaxRetries: maxRetries, DialerRetries: 1,
	}
}

// failoverOptions says the same as serverOptions to go-redis' Sentinel client,
// which has its own type for it and never sends MAINT_NOTIFICATIONS.
func failoverOptions(cfg config.Redis, o Options, dial dialFunc) *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName: cfg.SentinelMaster, SentinelAddrs: cfg.SentinelAddrs, Dialer: dial, DB: cfg.DB,
		SentinelUsername: cfg.SentinelUsername, SentinelPassword: cfg.SentinelPassword.Reveal(),
		// The user stands here for whoever asks the client who it is.
		Username: cfg.Username, CredentialsProviderContext: credentials(cfg),
		Protocol: 2, ContextTimeoutEnabled: true, DisableIdentity: true,

		PoolSize: o.PoolSize, PipelinePoolSize: -1, ConnMaxIdleTime: maxIdle,
		ReadBufferSize: bufferSize, WriteBufferSize: bufferSize,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.ReadTimeout,
		MaxRetries: maxRetries, DialerRetries: 1,
	}
}
