// Package redisclient makes the one connection pool that the exporter reads
// and writes vmpooler's Redis through.
//
// A config.Redis flows in, a *redis.Client flows out: over TCP, a unix socket
// or TLS, to one server or to the master that Sentinel names. With it come the
// questions that callers ask of an error (IsAuth, IsConnection, …), so that no
// other package looks at the text of a Redis reply.
//
// What is set here, and why:
//
//   - A context's deadline bounds every read and write (a scrape has one), and a
//     read that ran into a deadline is never tried again: a hung server gets one
//     command, not four.
//   - RESP2. Nothing that the exporter reads gains from RESP3, and with RESP2 no
//     server ever sends a push frame that go-redis would have to tell from an
//     answer. All of Redis 6.2 to 8 and Valkey speak it.
//   - A new connection sends HELLO (with AUTH and SETNAME in it) and, with a
//     database other than 0, SELECT. HELLO needs no permission, unlike CLIENT
//     SETNAME. No CLIENT SETINFO and no CLIENT MAINT_NOTIFICATIONS: Redis 6.2
//     knows neither, and a restricted user may send neither.
//   - One small pool, for single commands and pipelines alike.
//
// The package never sends a command of its own accord beyond that handshake,
// never asks what a server can do (OnConnect tells who does that to ask anew),
// and never puts a password into an error or a log line.
package redisclient
