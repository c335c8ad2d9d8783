// Package config turns vmpooler's own vmpooler.yaml, the environment and the
// exporter's flags into one validated Settings.
//
// In flow the file that vmpooler itself reads (its keys are Ruby symbols, its
// scalars are read as Ruby's YAML reads them), the files that its extra_config
// names, the environment variables that vmpooler knows, and the values of the
// exporter's flags, each taking precedence over the one before. Out flows a
// Settings that no one changes any more, with the place that every value came
// from and with warnings about what is probably a mistake; or Errors, all that
// were found and not only the first, each with its file, line and key.
//
// It never connects to Redis, never writes, and never lets a secret out: a
// password is a Secret, and no error, warning or explanation repeats one.
package config
