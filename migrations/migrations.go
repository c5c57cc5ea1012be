// Package migrations holds the database's schema as numbered steps, one folder for each dialect.
package migrations

import "embed"

// SQLite are the steps for SQLite, in the folder "sqlite".
//
//go:embed sqlite/*.sql
var SQLite embed.FS
