// Package static holds the pages inside the program: what the front end's build leaves in dist, and the files that are
// served as they stand here.
package static

import (
	"embed"
	"errors"
	"io/fs"
	"path"
)

// The pattern takes dist along where it has been built, and compiles where it has not.
//
//go:embed *
var files embed.FS

// Pages returns the files of the site by their paths below "/". A file of dist goes before one of the same name here.
// Where the pages have not been built, index.html is a page that says so.
func Pages() fs.FS { return site{} }

type site struct{}

func (site) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	f, err := files.Open(path.Join("dist", name))
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if name == "index.html" {
		return files.Open("unbuilt.html")
	}
	if path.Ext(name) == ".go" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return files.Open(name)
}
