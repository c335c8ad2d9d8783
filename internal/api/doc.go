// Package api is the HTTP API under /api/v1: how vmpooler is, its dead letters, what
// is known of one VM or request, and what the purge does. openapi.yaml describes it,
// and a test holds the two together.
//
// Readings of internal/live flow in, JSON flows out: {"status":"success","data":…},
// or {"status":"error","errorType":…,"error":…} with the HTTP status that fits. What
// a client asks for is checked to the last parameter before anything is read. No
// secret is in any answer, and nothing here writes to Redis.
package api
