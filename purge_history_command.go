package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/alecthomas/kingpin/v2"

	"github.com/vmpooler/vmpooler_exporter/internal/cli"
	"github.com/vmpooler/vmpooler_exporter/internal/config"
	"github.com/vmpooler/vmpooler_exporter/internal/redisclient"
	"github.com/vmpooler/vmpooler_exporter/purger"
)

// historyFlags are the flags of `purge history`.
type historyFlags struct {
	filter purger.HistoryFilter
	output string
}

func (p *program) addPurgeHistory(parent *kingpin.CmdClause) {
	c, f := &p.purge, &p.purge.past
	c.history = parent.Command("history", "List what was purged, newest first, by the loop, by commands and through the API.")
	c.history.Flag("pool", "Entries of this pool.").StringVar(&f.filter.Pool)
	c.history.Flag("vm", "Entries of this VM.").StringVar(&f.filter.VM)
	c.history.Flag("request", "Entries of this on-demand request.").StringVar(&f.filter.RequestID)
	c.history.Flag("plan", "Entries of the plan with this id.").StringVar(&f.filter.Plan)
	c.history.Flag("limit", fmt.Sprintf("Entries of a page, %d at the most.", mostHistory)).Default("50").IntVar(&f.filter.Limit)
	c.history.Flag("cursor", "Where the page before ended, as it said itself.").StringVar(&f.filter.Before)
	c.history.Flag("output", "table, csv or json").Short('o').Default("table").EnumVar(&f.output, "table", "csv", "json")
}

// mostHistory is the longest page, which is about all that is kept.
const mostHistory = 10_000

// historyCursor is the id of an entry of a stream.
var historyCursor = regexp.MustCompile(`^\d{1,19}-\d{1,19}$`)

// runPurgeHistory lists what was purged; where nothing ever was, that is an empty
// list.
func (p *program) runPurgeHistory(ctx context.Context, s *config.Settings) error {
	f := &p.purge.past
	switch {
	case f.filter.Limit < 1 || f.filter.Limit > mostHistory:
		return fmt.Errorf("--limit must be from 1 to %d, not %d", mostHistory, f.filter.Limit)
	case f.filter.Before != "" && !historyCursor.MatchString(f.filter.Before):
		return fmt.Errorf("--cursor: %q is none that a page ended with", f.filter.Before)
	}
	client, err := redisclient.New(s.Redis, redisclient.Options{ReadTimeout: *p.timeout})
	if err != nil {
		return err
	}
	defer client.Close()
	page, err := purger.History(ctx, client, f.filter)
	if err != nil {
		return explainPurge(err)
	}
	switch f.output {
	case "json": // has the cursor itself
		return cli.WritePurgeHistoryJSON(p.stdout, &page)
	case "csv":
		err = cli.WritePurgeHistoryCSV(p.stdout, &page)
	default:
		err = cli.WritePurgeHistory(p.stdout, &page, p.purgeOptions())
	}
	if err != nil {
		return err
	}
	return p.remark(cli.PurgeHistoryRemarks(&page))
}
