package web

import "strconv"

// kindsAPage is how many groups of dead letters a page has.
const kindsAPage = 50

// Kinds are the dead letters by their errors, all groups of them.
type Kinds struct {
	Letters Letters // with the groups of this page
	Shown   string  // "1–50 of 71 kinds"
	Stale   string  // why they are not of now

	Before, After string // addresses of the pages before and after, "" for none
}

// kinds makes a page of the groups. A page beyond the last is the last.
func (m *maker) kinds(page int) *Kinds {
	k := &Kinds{Letters: m.letters()}
	if m.Err != nil {
		k.Stale = "Redis does not answer: " + reason(m.Err.Error()) + ". This is what was last known."
	}
	if m.Letters == nil || len(k.Letters.Groups) == 0 {
		return k
	}
	groups := m.Letters.Groups
	pages := (len(groups) + kindsAPage - 1) / kindsAPage
	page = min(page, pages)
	from := (page - 1) * kindsAPage
	to := min(len(groups), from+kindsAPage)
	k.Letters.Groups, k.Letters.More = nil, ""
	for i := range groups[from:to] {
		k.Letters.Groups = append(k.Letters.Groups, m.group(&groups[from+i]))
	}
	if k.Shown = plural(int64(len(groups)), "kind"); pages > 1 {
		k.Shown = between(from, to) + " of " + k.Shown
	}
	k.Shown += ", the most frequent first"
	if page > 1 {
		k.Before = kindsHref(page - 1)
	}
	if page < pages {
		k.After = kindsHref(page + 1)
	}
	return k
}

func kindsHref(page int) string {
	if page <= 1 {
		return "/dlq/kinds"
	}
	return "/dlq/kinds?page=" + strconv.Itoa(page)
}
