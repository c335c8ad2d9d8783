package web

// Confirm asks an admin whether something is really to be done.
type Confirm struct {
	Title, Text string
	Plan        *Plan    // of a purge
	Names       []string // of dead letters
	Action      string   // where the form goes
	Fields      []Field  // what it holds, unseen
	Button      string   // "" where there is nothing to be done
	Back        string
}

// Field is one value of a form.
type Field struct{ Name, Value string }

// Done says what was done.
type Done struct {
	Title, Text    string
	Plan           *Plan
	Outcomes       []Outcome
	Back, BackText string
}

// Outcome is what became of one request.
type Outcome struct {
	Name, Href, State, Why string
}
