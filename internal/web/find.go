package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/internal/explain"
	"github.com/vmpooler/vmpooler_exporter/internal/vmpooler"
)

// find answers for "/find": it leads to the page of the VM, the request or the pool
// whose name was typed, or says that nothing is known of it.
func (h *Handler) find(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r.URL.RawQuery)
	name := strings.TrimSpace(q.text("q"))
	if err := q.end(); err != nil {
		h.failed(w, r, err)
		return
	}
	if name == "" {
		h.fail(w, r, http.StatusBadRequest, "Type the name of a VM, the id of a request or the name of a pool.")
		return
	}
	href, err := h.found(r.Context(), name)
	switch {
	case err != nil:
		h.failed(w, r, err)
	case href == "":
		h.render(w, r, http.StatusNotFound, "error", frame{Title: "Nothing is known of it", Icon: none, Find: name, Body: problem{
			http.StatusNotFound, "Nothing is known of it",
			"There is no VM, request or pool named “" + plain(name) + "”, and no dead letter of one: it never was, or it is so long gone that vmpooler has forgotten it.",
			h.nearby(r.Context(), name),
		}})
	default:
		http.Redirect(w, r, href, http.StatusSeeOther) //nolint:gosec // a page of ours: it begins with /vm/, /request/ or /pool/
	}
}

// found is the address of what has this name; "" if nothing has. The error is Redis's.
func (h *Handler) found(ctx context.Context, name string) (string, error) {
	for _, kind := range [...]struct {
		read storyReader
		href func(string) string
	}{{h.opts.Stories.VM, vmHref}, {h.opts.Stories.Request, requestHref}} {
		href := kind.href(name)
		if href == "" {
			return "", nil
		}
		var story *explain.Report
		story, err := kind.read(ctx, name)
		if err != nil {
			return "", err
		}
		if story.Known {
			return href, nil
		}
	}
	if slices.ContainsFunc(h.pools(ctx), func(p vmpooler.Pool) bool { return p.Name == name }) {
		return poolHref(name), nil
	}
	return "", nil
}

// nearby is where something like it may be found.
func (h *Handler) nearby(ctx context.Context, name string) []Link {
	q := overviewQuery{Sort: poolSorts[0], Filter: poolsOnly[0], Pool: name}
	if !slices.ContainsFunc(h.pools(ctx), func(p vmpooler.Pool) bool { return q.shows(&Pool{Name: p.Name}) }) {
		return nil
	}
	return []Link{{"Pools with this in their names", q.href()}}
}

// pools are those of the last reading; none if nothing can be read.
func (h *Handler) pools(ctx context.Context) []vmpooler.Pool {
	m := &maker{picture: look(ctx, h.opts.Source, h.opts.Now)}
	if !m.known() {
		return nil
	}
	return m.State.Snapshot.Pools
}
