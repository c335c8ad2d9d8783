// alerts/vmpooler_alerts.yaml
std.manifestYamlDoc((import 'mixin.libsonnet').prometheusAlerts)
