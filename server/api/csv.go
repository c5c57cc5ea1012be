package api

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// csv answers with a table that is written as it is read. fill gives its rows; what fails after the first of them ends the connection, so that
// nobody takes half a table for the whole.
func (a *api) csv(name string, head []string, fill func(ctx context.Context, write func(...string) error) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", "text/csv; charset=utf-8")
		h.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		out := h.BodyWriter()
		_, _ = out.Write([]byte("\ufeff")) // spreadsheets take it for UTF-8 then
		w := csv.NewWriter(out)
		w.UseCRLF = true // RFC 4180
		write := func(cells ...string) error {
			for i, cell := range cells {
				cells[i] = harmless(cell)
			}
			return w.Write(cells)
		}
		err := write(head...)
		if err == nil {
			err = fill(h.Context(), write)
		}
		w.Flush()
		if err == nil {
			err = w.Error()
		}
		if err != nil {
			a.Log.Warn("a table was cut off", "file", name, "err", err)
			panic(http.ErrAbortHandler)
		}
	}}
}

// harmless keeps spreadsheets from running a cell as a formula: what begins like one gets an apostrophe in front.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
