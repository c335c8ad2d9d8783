// Package endtoend runs the bundle of alerts, rules and dashboards where it will
// live: a simulated vmpooler writes to a redis-server, two processes of the
// exporter read it, a Prometheus scrapes them and evaluates the compiled files of
// alerts/, and an Alertmanager with examples/alertmanager.yml tells a webhook.
//
// TestEveryExpressionIsExecuted asks for every rule and every panel once there is
// data of everything; TestOneIncidentIsOnePage lets two things break and counts the
// pages. There is no code here but tests; what they need of the system
// (redis-server, redis-cli, prometheus, promtool, prometheus-alertmanager or
// alertmanager, amtool) is a failure where it is missing.
package endtoend
