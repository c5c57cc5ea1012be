package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magpie/server/chat"
)

// Departments returns an organisation's departments in the order of the tree's levels: by parent, position and name.
func (s *Store) Departments(ctx context.Context, eid string) ([]chat.Department, error) {
	list, err := departments(ctx, s.read, eid)
	if err != nil {
		return nil, fmt.Errorf("read the departments: %w", err)
	}
	return list, nil
}

// DepartmentPeople is Departments with the people of each department and of those below it.
func (s *Store) DepartmentPeople(ctx context.Context, eid string) (list []chat.Department, err error) {
	people := map[int64]int{}
	err = s.reading(ctx, func(q querier) error {
		if list, err = departments(ctx, q, eid); err != nil {
			return err
		}
		_, err := collect(ctx, q, func(scan func(...any) error) (none struct{}, err error) {
			var id int64
			var n int
			err = scan(&id, &n)
			people[id] = n
			return none, err
		}, `WITH RECURSIVE above (department, id, parent) AS (SELECT id, id, parent FROM departments WHERE eid = $1
				UNION ALL SELECT a.department, d.id, d.parent FROM above a JOIN departments d ON d.id = a.parent)
			SELECT a.id, COUNT(DISTINCT m.uid) FROM above a JOIN department_members m ON m.department = a.department AND m.hidden = 0 GROUP BY a.id`, eid)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("count the people of departments: %w", err)
	}
	for i := range list {
		list[i].People = people[list[i].ID]
	}
	return list, nil
}

func departments(ctx context.Context, q querier, eid string) ([]chat.Department, error) {
	return collect(ctx, q, scanDepartment, `SELECT `+departmentColumns+` FROM departments d WHERE d.eid = $1 AND d.leaving = 0 ORDER BY d.parent, d.position, d.name, d.id`, eid)
}

const departmentColumns = `d.id, d.parent, d.name, d.position, d.version,
	(SELECT COUNT(*) FROM department_members m WHERE m.department = d.id AND m.hidden = 0)`

func scanDepartment(scan func(...any) error) (d chat.Department, err error) {
	err = scan(&d.ID, &d.Parent, &d.Name, &d.Position, &d.Version, &d.Members)
	return d, err
}

func readDepartment(ctx context.Context, q querier, eid string, id int64) (chat.Department, error) {
	d, err := scanDepartment(q.QueryRowContext(ctx, `SELECT `+departmentColumns+` FROM departments d WHERE d.eid = $1 AND d.id = $2 AND d.leaving = 0`, eid, id).Scan)
	return d, found(err, "department")
}

// CreateDepartment makes a department. Position -1 puts it behind its sisters.
func (s *Store) CreateDepartment(ctx context.Context, by chat.Actor, d chat.Department) (chat.Department, error) {
	err := s.administer(ctx, by, chat.ManageDepartments, func(t *tx) (err error) {
		if d, err = t.createDepartment(by.EID, d); err != nil {
			return err
		}
		return t.audit(by, "department.create", fmt.Sprint(d.ID), nil, departmentRecord(d))
	})
	if err != nil {
		return d, fmt.Errorf("make a department: %w", err)
	}
	return d, nil
}

func (t *tx) createDepartment(eid string, d chat.Department) (chat.Department, error) {
	if err := t.placeable(eid, 0, d.Parent, d.Name, 1); err != nil {
		return d, err
	}
	if d.Position < 0 {
		if err := t.row(`SELECT COALESCE(MAX(position) + 1, 0) FROM departments WHERE eid = $1 AND parent = $2`, eid, d.Parent).Scan(&d.Position); err != nil {
			return d, err
		}
	} else if err := t.exec(`UPDATE departments SET position = position + 1 WHERE eid = $1 AND parent = $2 AND position >= $3`, eid, d.Parent, d.Position); err != nil {
		return d, err
	}
	err := t.row(`INSERT INTO departments (eid, parent, name, position, created) VALUES ($1, $2, $3, $4, $5) RETURNING id`, eid, d.Parent, d.Name, d.Position, now()).Scan(&d.ID)
	if err != nil {
		return d, err
	}
	d.Version = 1
	return d, t.indexDepartment(eid, d.ID, d.Name)
}

// placeable checks that a department of a name may be below parent: id is the one that moves, 0 for a new one, and levels is how many there are of it and
// what is below it; 0 for one that stays where it is.
func (t *tx) placeable(eid string, id, parent int64, name string, levels int) error {
	depth := levels
	for up := parent; up != 0; depth++ {
		if up == id {
			return chat.FieldError("parent", chat.FieldCycle, "is the department itself, or one below it")
		}
		if levels > 0 && depth >= chat.MaxDepartmentLevels {
			return chat.FieldLimit("parent", chat.FieldTooDeep, "is too deep: the tree may have %d levels", chat.MaxDepartmentLevels)
		}
		above, err := t.parentOf(eid, up)
		if errors.Is(err, sql.ErrNoRows) {
			return chat.FieldError("parent", chat.FieldNobody, "is not a department of your organisation")
		}
		if err != nil {
			return err
		}
		up = above
	}
	var other int64
	err := t.row(`SELECT id FROM departments WHERE eid = $1 AND parent = $2 AND name = $3 AND id <> $4`, eid, parent, name, id).Scan(&other)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = conflict("name", "is the name of another department at this place.")
	}
	return err
}

// levels counts those of a department and what is below it.
func (t *tx) levels(eid string, id int64) (n int, err error) {
	err = t.row(`WITH RECURSIVE below (id, level) AS (SELECT CAST($2 AS bigint), 1 UNION ALL
		SELECT d.id, b.level + 1 FROM departments d JOIN below b ON d.parent = b.id WHERE d.eid = $1 AND d.leaving = 0) SELECT MAX(level) FROM below`, eid, id).Scan(&n)
	return n, err
}

func (t *tx) indexDepartment(eid string, id int64, name string) error {
	if err := t.exec(`DELETE FROM department_words WHERE eid = $1 AND department = $2`, eid, id); err != nil {
		return err
	}
	return t.exec(`INSERT INTO department_words (eid, word, department) SELECT $1, value, $2 FROM json_each(CAST($3 AS text))`, eid, id, jsonList(words(name, "", "")))
}

// UpdateDepartment renames or moves a department, of which the caller knows version. To move it it is put at position among its new
// sisters; -1 is behind them.
func (s *Store) UpdateDepartment(ctx context.Context, by chat.Actor, id, version int64, c chat.DepartmentChange) (chat.Department, error) {
	var d chat.Department
	var left []steps
	err := s.administer(ctx, by, chat.ManageDepartments, func(t *tx) (err error) {
		left = nil
		if d, err = readDepartment(background, t, by.EID, id); err != nil {
			return err
		}
		if d.Version != version {
			return changedMeanwhile(d)
		}
		before := departmentRecord(d)
		if c.Name != nil {
			d.Name = *c.Name
		}
		moved, levels := false, 0
		if c.Parent != nil && *c.Parent != d.Parent {
			d.Parent, moved = *c.Parent, true
			if levels, err = t.levels(by.EID, id); err != nil {
				return err
			}
			if c.Position == nil {
				d.Position = -1
			}
		}
		if c.Position != nil {
			d.Position, moved = *c.Position, true
		}
		if err := t.placeable(by.EID, id, d.Parent, d.Name, levels); err != nil {
			return err
		}
		if moved {
			if d.Position, err = t.makeRoom(by.EID, id, d.Parent, d.Position); err != nil {
				return err
			}
		}
		d.Version++
		if err := t.exec(`UPDATE departments SET name = $1, parent = $2, position = $3, version = $4 WHERE id = $5`, d.Name, d.Parent, d.Position, d.Version, id); err != nil {
			return err
		}
		if err := t.indexDepartment(by.EID, id, d.Name); err != nil {
			return err
		}
		if moved {
			if left, err = t.syncFollowers(by.EID); err != nil {
				return err
			}
		}
		return t.audit(by, "department.change", fmt.Sprint(id), before, departmentRecord(d))
	})
	if err != nil {
		return d, fmt.Errorf("change a department: %w", err)
	}
	s.complete(ctx, left...)
	return d, nil
}

// makeRoom numbers the sisters of a department anew, so that position is free for it.
func (t *tx) makeRoom(eid string, id, parent int64, position int) (int, error) {
	sisters, err := collect(background, t, scanInt, `SELECT id FROM departments WHERE eid = $1 AND parent = $2 AND id <> $3 AND leaving = 0 ORDER BY position, name, id`, eid, parent, id)
	if err != nil {
		return 0, err
	}
	if position < 0 || position > len(sisters) {
		position = len(sisters)
	}
	for i, sister := range slices.Insert(sisters, position, id) {
		if err := t.exec(`UPDATE departments SET position = $1 WHERE id = $2 AND position <> $1`, i, sister); err != nil {
			return 0, err
		}
	}
	return position, nil
}

func scanInt(scan func(...any) error) (n int64, err error) {
	err = scan(&n)
	return n, err
}

// DeleteDepartment removes a department, of which the caller knows version. Its people and the departments below it move up to its
// parent, the people in steps; where it has none they keep their other departments.
func (s *Store) DeleteDepartment(ctx context.Context, by chat.Actor, id, version int64) error {
	var left steps
	err := s.administer(ctx, by, chat.ManageDepartments, func(t *tx) error {
		d, err := readDepartment(background, t, by.EID, id)
		if err != nil {
			return err
		}
		if d.Version != version {
			return changedMeanwhile(d)
		}
		below, err := departmentsBelow(t, by.EID, id)
		if err != nil {
			return err
		}
		sisters, err := departmentsBelow(t, by.EID, d.Parent)
		if err != nil {
			return err
		}
		names, last := map[string]bool{}, -1
		for _, x := range sisters {
			names[x.Name], last = true, max(last, x.Position)
		}
		for _, x := range below {
			if names[x.Name] {
				return chat.Errorf(chat.Conflict, "The department %s can't move up: there is one of this name already. Rename it first.", x.Name)
			}
			last++
			if err := t.exec(`UPDATE departments SET parent = $1, position = $2, version = version + 1 WHERE id = $3`, d.Parent, last, x.ID); err != nil {
				return err
			}
		}
		if err := t.exec(`UPDATE departments SET parent = $1 WHERE eid = $2 AND parent = $3 AND leaving = 1`, d.Parent, by.EID, id); err != nil {
			return err
		}
		if err := t.unfollow(by, id); err != nil {
			return err
		}
		if err := t.exec(`DELETE FROM department_words WHERE eid = $1 AND department = $2`, by.EID, id); err != nil {
			return err
		}
		// The space makes its name one that no other can have. Until its people are out it stays in the tree, so that they stay in
		// groups that follow what is above.
		if err := t.exec(`UPDATE departments SET leaving = 1, name = $1 WHERE id = $2`, fmt.Sprint(" ", id), id); err != nil {
			return err
		}
		if left, err = t.plan(steps{eid: by.EID, kind: stepDepartment, target: strconv.FormatInt(id, 10), actor: by.UID}); err != nil {
			return err
		}
		return t.audit(by, "department.delete", fmt.Sprint(id), departmentRecord(d), nil)
	})
	if err != nil {
		return fmt.Errorf("delete a department: %w", err)
	}
	s.complete(ctx, left)
	return nil
}

// Followers returns the groups that follow a department, by name.
func (s *Store) Followers(ctx context.Context, eid string, id int64) (list []chat.OwnedGroup, err error) {
	err = s.reading(ctx, func(q querier) error {
		if _, err := readDepartment(ctx, q, eid, id); err != nil {
			return err
		}
		list, err = collect(ctx, q, func(scan func(...any) error) (g chat.OwnedGroup, err error) {
			err = scan(&g.GID, &g.Name)
			return g, err
		}, `SELECT gid, name FROM chat_groups WHERE eid = $1 AND follows = $2 AND dissolved = 0 ORDER BY name, gid`, eid, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read who follows a department: %w", err)
	}
	return list, nil
}

// unfollow ends that groups follow a department that goes: their members stay, and are from now on those whom somebody adds.
func (t *tx) unfollow(by chat.Actor, id int64) error {
	gone, err := collect(background, t, func(scan func(...any) error) (g chat.Group, err error) {
		var dissolved int64
		err = scan(&g.GID, &g.Owner, &dissolved)
		g.Dissolved = fromMS(dissolved)
		return g, err
	}, `UPDATE chat_groups SET follows = 0, version = version + 1 WHERE eid = $1 AND follows = $2 RETURNING gid, owner, dissolved`, by.EID, id)
	if err != nil {
		return err
	}
	for _, g := range gone {
		if err := t.audit(by, "group.change", g.GID, map[string]any{"follows": id}, map[string]any{"follows": 0}); err != nil {
			return err
		}
		if !g.Dissolved.IsZero() {
			continue
		}
		if err := t.event(chat.Event{EID: by.EID, Type: chat.EventGroupData, GID: g.GID, By: name(by, g), Changed: []string{"by_department"}}); err != nil {
			return err
		}
	}
	return nil
}

func departmentsBelow(t *tx, eid string, id int64) ([]chat.Department, error) {
	return collect(background, t, scanDepartment, `SELECT `+departmentColumns+` FROM departments d WHERE d.eid = $1 AND d.parent = $2 AND d.leaving = 0 ORDER BY d.position, d.name, d.id`, eid, id)
}

// leaveDepartment moves somebody from a department to parent, which may be 0 for none, in its place.
func (t *tx) leaveDepartment(eid, uid string, id, parent int64) error {
	of, err := departmentsOf(background, t, eid, uid)
	if err != nil {
		return err
	}
	at := slices.Index(of, id)
	of = slices.Delete(of, at, at+1)
	if parent != 0 && !slices.Contains(of, parent) {
		of = slices.Insert(of, at, parent)
	}
	return t.putDepartments(eid, uid, of)
}

func departmentRecord(d chat.Department) map[string]any {
	return map[string]any{"name": d.Name, "parent": d.Parent, "position": d.Position}
}

// departmentsOf returns the departments that a user is in, the main one first.
func departmentsOf(ctx context.Context, q querier, eid, uid string) ([]int64, error) {
	return collect(ctx, q, scanInt, `SELECT department FROM department_members WHERE eid = $1 AND uid = $2 ORDER BY place`, eid, uid)
}

// setDepartments puts a user into departments, the main one first, and out of all others.
func (t *tx) setDepartments(eid, uid string, ids []int64) error {
	for _, id := range ids {
		if _, err := t.parentOf(eid, id); errors.Is(err, sql.ErrNoRows) {
			return chat.FieldError("departments", chat.FieldNobody, "must name departments of your organisation")
		} else if err != nil {
			return err
		}
	}
	return t.putDepartments(eid, uid, ids)
}

// parentOf returns the department above one, 0 for none, and sql.ErrNoRows if there is no such department. Unlike readDepartment it counts nobody.
func (t *tx) parentOf(eid string, id int64) (parent int64, err error) {
	err = t.row(`SELECT parent FROM departments WHERE eid = $1 AND id = $2 AND leaving = 0`, eid, id).Scan(&parent)
	return parent, err
}

// putDepartments is setDepartments for departments that are there, be it that they are leaving.
func (t *tx) putDepartments(eid, uid string, ids []int64) error {
	if err := t.exec(`DELETE FROM department_members WHERE eid = $1 AND uid = $2`, eid, uid); err != nil {
		return err
	}
	main := int64(0)
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			continue
		}
		err := t.exec(`INSERT INTO department_members (department, hidden, name, uid, eid, place)
			SELECT d.id, u.disabled, u.name, u.uid, u.eid, CAST($1 AS bigint) FROM departments d JOIN users u ON u.eid = d.eid WHERE d.eid = $2 AND d.id = $3 AND u.uid = $4`, i, eid, id, uid)
		if err != nil {
			return err
		}
		if i == 0 {
			main = id
		}
	}
	if err := t.exec(`UPDATE users SET main_department = $1 WHERE eid = $2 AND uid = $3`, main, eid, uid); err != nil {
		return err
	}
	return t.syncPerson(eid, uid)
}

// departmentPath returns the department of a path such as "Engineering/Backend", and makes what is missing of it.
func (t *tx) departmentPath(eid, path string) (int64, error) {
	parent := int64(0)
	for name := range strings.SplitSeq(path, "/") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		var id int64
		err := t.row(`SELECT id FROM departments WHERE eid = $1 AND parent = $2 AND name = $3`, eid, parent, name).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			var d chat.Department
			d, err = t.createDepartment(eid, chat.Department{Parent: parent, Name: name, Position: -1})
			id = d.ID
		}
		if err != nil {
			return 0, err
		}
		parent = id
	}
	return parent, nil
}
