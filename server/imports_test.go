package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport says which rooms of the house each room knows (docs/architecture.md). Rooms that are not here may import none.
var mayImport = map[string][]string{
	"media":          {"server/chat"},
	"server/payload": {"server/chat"},
	"server/store":   {"server/chat", "migrations"},
	"server/auth":    {"server/chat"},
	"server/roster":  {"server/chat"},
	"server/broker":  {"server/chat", "server/payload"},
	"server/agent":   {"server/chat", "server/payload"},
	"server/webhook": {"server/chat", "server/outbound", "server/payload"},
	"server/api":     {"server/chat", "server/payload", "static"},
}

// TestImports holds the rooms to mayImport, and server/chat to the standard library. Tests of a room may use others'.
func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && (name == "node_modules" || name == "dist" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel("..", file)
		if err != nil {
			return err
		}
		room := roomOf(filepath.ToSlash(rel))
		seen[room] = true
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			inside, ours := strings.CutPrefix(imported, "magpie/")
			switch {
			case room == "server/chat" && strings.Contains(strings.Split(imported, "/")[0], "."):
				t.Errorf("%s imports %s: the domain needs the standard library alone", rel, imported)
			case !ours || room == "server" || roomOf(inside+"/x") == room:
			case !strings.HasPrefix(room, "server/") && room != "media" && room != "migrations" && room != "static":
			case !slices.Contains(mayImport[room], inside):
				t.Errorf("%s imports %s, which %s may not know", rel, imported, room)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for room := range mayImport {
		if !seen[room] {
			t.Errorf("there is no room %s any more", room)
		}
	}
}

// roomOf returns the room that a file belongs to: server/x, or the folder at the root.
func roomOf(file string) string {
	parts := strings.Split(path.Dir(file), "/")
	if parts[0] == "server" && len(parts) > 1 {
		return "server/" + parts[1]
	}
	return parts[0]
}
