// alerts/vmpooler_rules.yaml
std.manifestYamlDoc((import 'mixin.libsonnet').prometheusRules)
