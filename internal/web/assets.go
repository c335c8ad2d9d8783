package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed assets templates
var files embed.FS

// asset is a file that pages refer to. Its name has its hash, so that a browser may
// keep it for ever and still sees a new one at once.
type asset struct {
	name, contentType string
	content           []byte
}

// assets are all of them: by address, and each address by the file's own name.
type assets struct {
	byPath map[string]asset
	paths  map[string]string
}

// iconColors are those of the window's icon: that of the verdict.
var iconColors = map[severity]string{good: "#1a7f4b", warn: "#c77700", bad: "#c62828", none: "#667085"}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="COLOR"/></svg>`

func newAssets() *assets {
	a := &assets{byPath: make(map[string]asset), paths: make(map[string]string)}
	for file, contentType := range map[string]string{"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"} {
		content, err := files.ReadFile("assets/" + file)
		if err != nil {
			panic(err) // it is embedded
		}
		a.add(file, contentType, content)
	}
	for s, color := range iconColors {
		a.add("icon-"+string(s)+".svg", "image/svg+xml", []byte(strings.Replace(icon, "COLOR", color, 1)))
	}
	return a
}

func (a *assets) add(file, contentType string, content []byte) {
	sum := sha256.Sum256(content)
	ext := path.Ext(file)
	name := strings.TrimSuffix(file, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
	a.byPath["/assets/"+name] = asset{name, contentType, content}
	a.paths[file] = "/assets/" + name
}

// serve answers for one asset, and says whether there is one at this path.
func (a *assets) serve(w http.ResponseWriter, r *http.Request) bool {
	f, ok := a.byPath[r.URL.Path]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.content))
	return true
}

// templates are the pages by their names. Each has the frame around it.
func newTemplates(a *assets) map[string]*template.Template {
	frame := template.Must(template.New("frame.tmpl").Funcs(template.FuncMap{
		"asset": func(file string) string { return a.paths[file] },
	}).ParseFS(files, "templates/frame.tmpl", "templates/parts.tmpl"))
	pages := make(map[string]*template.Template)
	for _, name := range []string{"overview", "letters", "kinds", "pool", "story", "purge", "confirm", "done", "error"} {
		pages[name] = template.Must(template.Must(frame.Clone()).ParseFS(files, "templates/"+name+".tmpl"))
	}
	return pages
}
