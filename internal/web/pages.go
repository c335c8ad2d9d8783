package web

import (
	"net/http"

	"github.com/vmpooler/vmpooler_exporter/dlq"
	"github.com/vmpooler/vmpooler_exporter/internal/explain"
)

// overview answers for "/".
func (h *Handler) overview(w http.ResponseWriter, r *http.Request) {
	q, err := parseOverview(r.URL.RawQuery)
	if err != nil {
		h.failed(w, r, err)
		return
	}
	p := look(r.Context(), h.opts.Source, h.opts.Now)
	_, admin := h.admin(r)
	page := newPage(p, q, admin)
	h.render(w, r, http.StatusOK, "overview", frame{
		Title: page.Verdict.Title, Icon: page.Verdict.Severity, Section: "overview", Live: true, Body: page,
	})
}

// letters answers for "/dlq".
func (h *Handler) letters(w http.ResponseWriter, r *http.Request) {
	now := h.opts.Now()
	q, filter, err := parseLetters(r.URL.RawQuery, now)
	var page dlq.Page
	if err == nil {
		page, err = h.opts.Source.Letters(r.Context(), filter)
	}
	if err != nil {
		h.failed(w, r, err)
		return
	}
	_, admin := h.admin(r)
	list := newLetterList(&page, q, now, admin)
	list.MostRequeued = h.opts.MostRequeued
	h.render(w, r, http.StatusOK, "letters", frame{Title: "Dead letters", Section: "letters", Body: list})
}

// kinds answers for "/dlq/kinds".
func (h *Handler) kinds(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r.URL.RawQuery)
	n := q.whole("page", 1, lastPage)
	if err := q.end(); err != nil {
		h.failed(w, r, err)
		return
	}
	m := &maker{picture: look(r.Context(), h.opts.Source, h.opts.Now)}
	h.render(w, r, http.StatusOK, "kinds", frame{Title: "Dead letters by kind", Section: "letters", Body: m.kinds(n)})
}

// pool answers for "/pool/<name>".
func (h *Handler) pool(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if name == "" || len(name) > longestValue {
		h.nowhere(w, r)
		return
	}
	q, err := parsePool(r.URL.RawQuery)
	m := &maker{}
	if err == nil {
		if m.picture = look(r.Context(), h.opts.Source, h.opts.Now); !m.known() {
			err = m.Err
		}
	}
	if err != nil {
		h.failed(w, r, err)
		return
	}
	page := m.poolPage(name, q)
	if page == nil {
		body := problem{
			Code: http.StatusNotFound, Name: "Not found", Text: "There is no pool named “" + plain(name) + "” in vmpooler any more, if there ever was.",
			Links: []Link{{"Dead letters of such a pool", poolLetters(name)}},
		}
		h.render(w, r, http.StatusNotFound, "error", frame{Title: "404 Not found", Body: body})
		return
	}
	h.render(w, r, http.StatusOK, "pool", frame{Title: "pool " + page.Pool.Name, Body: page})
}

// purge answers for "/purge".
func (h *Handler) purge(w http.ResponseWriter, r *http.Request) {
	q := newQuery(r.URL.RawQuery)
	n := q.whole("page", 1, lastPage)
	if err := q.end(); err != nil {
		h.failed(w, r, err)
		return
	}
	p := look(r.Context(), h.opts.Source, h.opts.Now)
	_, admin := h.admin(r)
	m := &maker{picture: p, admin: admin}
	body := m.purge()
	body.Asked = m.asked(h.asked())
	if body.Plan != nil {
		body.Plan.actions(p.Purge.Last, n, purgeHref)
	}
	h.render(w, r, http.StatusOK, "purge", frame{Title: "Purge", Section: "purge", Body: body})
}

// vm answers for "/vm/<name>".
func (h *Handler) vm(w http.ResponseWriter, r *http.Request) {
	h.story(w, r, explain.KindVM, h.opts.Stories.VM)
}

// request answers for "/request/<id>".
func (h *Handler) request(w http.ResponseWriter, r *http.Request) {
	h.story(w, r, explain.KindRequest, h.opts.Stories.Request)
}

func (h *Handler) story(w http.ResponseWriter, r *http.Request, kind explain.Kind, read storyReader) {
	name := r.PathValue("name")
	if name == "" || len(name) > longestValue {
		h.nowhere(w, r)
		return
	}
	err := newQuery(r.URL.RawQuery).end()
	var story *explain.Report
	if err == nil {
		story, err = read(r.Context(), name)
	}
	switch {
	case err != nil:
		h.failed(w, r, err)
	case !story.Known:
		h.fail(w, r, http.StatusNotFound, "Nothing is known of a "+kindText(kind)+" named “"+plain(name)+
			"”: it never was, or it is so long gone that vmpooler has forgotten it.")
	default:
		_, admin := h.admin(r)
		page := newStoryPage(story, admin)
		page.MostRequeued = h.opts.MostRequeued
		h.render(w, r, http.StatusOK, "story", frame{Title: page.Kind + " " + page.Name, Body: page})
	}
}
