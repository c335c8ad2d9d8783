package web

import (
	"bytes"
	"net/http"
	"strconv"

	"github.com/go-kit/log/level"
)

// frame is what stands around every page.
type frame struct {
	Title   string
	Icon    severity
	Section string // of the navigation: "overview", "letters", "purge", or ""
	Live    bool   // whether it may be read again and again
	Find    string // what was looked for by its name
	User    string // the admin who looks; "" for a reader
	Metrics string
	Body    any
}

// render answers with a page, in one piece: an error in the middle of it must not
// leave half a page behind.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, page string, f frame) {
	f.Metrics = h.opts.MetricsPath
	if user, ok := h.admin(r); ok {
		f.User = plain(user)
	}
	if f.Icon == "" {
		f.Icon = none
	}
	var b bytes.Buffer
	if err := h.pages[page].Execute(&b, f); err != nil {
		level.Error(h.opts.Logger).Log("msg", "a page can't be rendered", "page", page, "err", err)
		http.Error(w, "the page can't be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // who hung up needs no answer
}

// problem is the body of a page that says what went wrong.
type problem struct {
	Code  int
	Name  string
	Text  string
	Links []Link // to what may help
}

// Link is an address and what stands for it.
type Link struct {
	Text, Href string
}

// fail answers with a page that says what went wrong, in words.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	names := map[int]string{
		http.StatusBadRequest: "That address is not understood", http.StatusNotFound: "Not found",
		http.StatusMethodNotAllowed: "That is not allowed here", http.StatusForbidden: "Only for admins",
		http.StatusServiceUnavailable: "Not to be had now", http.StatusInternalServerError: "An error",
		http.StatusConflict: "Not now", http.StatusTooManyRequests: "Not so fast",
	}
	title, ok := names[status]
	if !ok {
		title = http.StatusText(status)
	}
	h.render(w, r, status, "error", frame{Title: strconv.Itoa(status) + " " + title, Icon: none, Body: problem{Code: status, Name: title, Text: text}})
}
