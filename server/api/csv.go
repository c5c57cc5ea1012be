package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"
)

// flows reports whether a request takes as long as it takes, as its answer comes bit by bit: until its reader takes nothing for a while, or goes.
func flows(c echo.Context) bool {
	switch strings.TrimPrefix(c.Path(), prefix+"/admin/") {
	case "users/export", "users/links", "audit/export", "reports/:id/files/:file":
		return true
	}
	return streams(c)
}

// flow is the writer of an answer that flows.
type flow struct {
	io.Writer
	control  *http.ResponseController
	patience time.Duration
}

func (a *api) flow(h huma.Context) *flow {
	f := &flow{h.BodyWriter(), http.NewResponseController(humaecho.Unwrap(h).Response()), a.Limits.Patience}
	_ = f.control.SetReadDeadline(time.Time{}) // one that passes would end the request. A connection that knows no deadlines, as in some tests, has none to move
	return f
}

func (f *flow) Write(b []byte) (int, error) {
	_ = f.control.SetWriteDeadline(time.Now().Add(f.patience))
	return f.Writer.Write(b)
}

// csv answers with a table that is written as it is read; its route is one that flows. fill gives its rows; what fails after the first of them ends the connection, so that
// nobody takes half a table for the whole.
func (a *api) csv(name string, head []string, fill func(ctx context.Context, write func(...string) error) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(h huma.Context) {
		h.SetHeader("Content-Type", "text/csv; charset=utf-8")
		h.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		out := a.flow(h)
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
