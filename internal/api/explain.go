package api

import (
	"context"
	"net/http"

	"github.com/vmpooler/vmpooler_exporter/internal/live"
)

// explained is what an Explainer said.
type explained struct {
	report any
	known  bool
}

func (a *api) explainVM(w http.ResponseWriter, r *http.Request, _ values) error {
	return a.explain(w, r, "vm", a.opts.Explain.VM)
}

func (a *api) explainRequest(w http.ResponseWriter, r *http.Request, _ values) error {
	return a.explain(w, r, "id", a.opts.Explain.Request)
}

func (a *api) explain(w http.ResponseWriter, r *http.Request, param string, ask func(context.Context, string) (any, bool, error)) error {
	name := r.PathValue(param)
	if err := checkText(param, name); err != nil {
		return err
	}
	found, err := live.Share(r.Context(), a.opts.Live, "explain "+param+" "+name, func(ctx context.Context) (explained, error) {
		report, known, err := ask(ctx, name)
		return explained{report, known}, err
	})
	if err != nil {
		return err
	}
	if !found.known {
		return refuse(notFound, "nothing is known of %s", quote(name))
	}
	return answer(w, found.report)
}
