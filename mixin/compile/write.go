package compile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Existing are the files in Folders below the root, by slashed path from it.
func Existing(root string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	tree := os.DirFS(root)
	for _, folder := range Folders {
		err := fs.WalkDir(tree, folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files[path], err = fs.ReadFile(tree, path)
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return files, nil
}

// Write writes the files below the root, and removes from Folders what is not
// among them: an alert or dashboard that is gone from the mixin is gone there too.
func Write(root string, files map[string][]byte) error {
	existing, err := Existing(root)
	if err != nil {
		return err
	}
	for path := range existing {
		if _, ok := files[path]; !ok {
			if err := os.Remove(filepath.Join(root, path)); err != nil {
				return err
			}
		}
	}
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // everybody's, as all that is committed
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}
