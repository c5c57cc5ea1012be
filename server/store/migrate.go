package store

import (
	"context"
	"database/sql"
	"fmt"

	"magpie/server/chat"
)

// indexDirectory is migration 5, which SQL alone can't do: the departments that people have as text become departments, and the
// directory gets its index.
func indexDirectory(ctx context.Context, db *sql.Tx) error {
	for _, q := range []string{
		`INSERT INTO departments (eid, parent, name, position, created) SELECT eid, 0, department, ROW_NUMBER() OVER (PARTITION BY eid ORDER BY department) - 1, 0
			FROM (SELECT DISTINCT eid, department FROM users WHERE department <> '')`,
		`UPDATE users SET main_department = COALESCE((SELECT d.id FROM departments d WHERE d.eid = users.eid AND d.name = users.department), 0)`,
		`INSERT INTO department_members (department, hidden, name, uid, eid, place) SELECT main_department, disabled, name, uid, eid, 0 FROM users WHERE main_department > 0`,
		`ALTER TABLE users DROP COLUMN department`,
	} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("make departments: %w", err)
		}
	}
	departments, err := collect(ctx, db, scanDepartmentName, `SELECT id, eid, name FROM departments`)
	if err != nil {
		return err
	}
	for _, d := range departments {
		_, err := db.ExecContext(ctx, `INSERT INTO department_words (eid, word, department) SELECT $1, value, $2 FROM json_each(CAST($3 AS text))`,
			d.eid, d.ID, jsonList(words(d.Name, "", "")))
		if err != nil {
			return fmt.Errorf("index a department: %w", err)
		}
	}
	for after := int64(0); ; {
		rows, err := collect(ctx, db, func(scan func(...any) error) (u struct {
			chat.User
			id int64
		}, err error) {
			err = scan(&u.id, &u.EID, &u.UID, &u.Name, &u.Title, &u.Disabled)
			return u, err
		}, `SELECT id, eid, uid, name, title, disabled FROM users WHERE id > $1 ORDER BY id LIMIT 1000`, after)
		if err != nil {
			return err
		}
		for _, u := range rows {
			after = u.id
			list := jsonList(words(u.Name, u.UID, u.Title))
			for _, q := range []string{
				`UPDATE users SET search = $3 WHERE eid = $1 AND uid = $2`,
				`INSERT INTO user_words (eid, hidden, word, name, uid) SELECT u.eid, u.disabled, j.value, u.name, u.uid FROM users u, json_each(CAST($3 AS text)) j WHERE u.eid = $1 AND u.uid = $2`,
			} {
				if _, err := db.ExecContext(ctx, q, u.EID, u.UID, list); err != nil {
					return fmt.Errorf("index a user: %w", err)
				}
			}
		}
		if len(rows) < 1000 {
			return nil
		}
	}
}

func scanDepartmentName(scan func(...any) error) (d struct {
	chat.Department
	eid string
}, err error) {
	err = scan(&d.ID, &d.eid, &d.Name)
	return d, err
}
