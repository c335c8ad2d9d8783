// Package build holds the project's own files together: what .promu.yml says
// of the build is what `make build` does, VERSION is what CHANGELOG.md says,
// and what a release packs is there.
//
// It is nothing but tests, reads the project's root, and nothing imports it.
package build
