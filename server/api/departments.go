package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"magpie/server/chat"
)

// Department is a place in the organisation's tree.
type Department struct {
	ID       string `json:"id"`
	Parent   string `json:"parent" doc:"The id of the department above, empty at the top."`
	Name     string `json:"name"`
	Position int    `json:"position" doc:"Its place among its sisters, from 0."`
	Members  int    `json:"members" doc:"How many people are in it directly."`
	Version  int64  `json:"version"`
}

// departmentWithPeople is a department as administrators see it.
type departmentWithPeople struct {
	Department
	People int `json:"people" doc:"How many people are in it and in the departments below it, each once."`
}

type departmentBody struct {
	Name     string `json:"name" maxLength:"64"`
	Parent   string `json:"parent,omitempty" maxLength:"20" doc:"Empty for the top."`
	Position *int   `json:"position,omitempty" minimum:"0" doc:"Left out: behind its sisters."`
}

type departmentChange struct {
	Name     *string `json:"name,omitempty" maxLength:"64"`
	Parent   *string `json:"parent,omitempty" maxLength:"20" doc:"Empty for the top."`
	Position *int    `json:"position,omitempty" minimum:"0" doc:"Among its new sisters. Left out with a new parent: behind them."`
}

// DepartmentPath names a department in the version that the caller knows.
type DepartmentPath struct {
	ID string `path:"id" maxLength:"20"`
	Version
}

func (a *api) departmentRoutes() {
	route(a, op{method: "GET", path: "/departments", id: "list-departments", tag: "People", summary: "The organisation's departments",
		about: "The whole tree as a flat list, sisters in their order. Their people: GET /users?department=ID."}, a.departments)
	route(a, op{method: "GET", path: "/admin/departments", id: "admin-list-departments", tag: "Administration", right: chat.ReadOrganisation,
		summary: "The departments"}, a.adminDepartments)
	route(a, op{method: "GET", path: "/admin/departments/{id}/groups", id: "admin-list-department-groups", tag: "Administration", right: chat.ReadOrganisation,
		summary: "The groups that follow a department"}, a.departmentFollowers)
	route(a, op{method: "POST", path: "/admin/departments", id: "admin-create-department", tag: "Administration", right: chat.ManageDepartments, status: http.StatusCreated,
		summary: "Make a department"}, a.createDepartment)
	route(a, op{method: "PATCH", path: "/admin/departments/{id}", id: "admin-update-department", tag: "Administration", right: chat.ManageDepartments,
		summary: "Rename or move a department"}, a.updateDepartment)
	route(a, op{method: "DELETE", path: "/admin/departments/{id}", id: "admin-delete-department", tag: "Administration", right: chat.ManageDepartments,
		summary: "Delete a department", about: "Its people and the departments below it move up to its parent."}, a.deleteDepartment)
}

func (a *api) departments(ctx context.Context, c *caller, _ *struct{}) (*answer[list[Department]], error) {
	all, err := a.Store.Departments(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	items := make([]Department, len(all))
	for i, d := range all {
		items[i] = departmentOf(d)
	}
	return page(items, ""), nil
}

func (a *api) adminDepartments(ctx context.Context, c *caller, _ *struct{}) (*answer[list[departmentWithPeople]], error) {
	all, err := a.Store.DepartmentPeople(ctx, c.EID)
	if err != nil {
		return nil, fmt.Errorf("read departments: %w", err)
	}
	items := make([]departmentWithPeople, len(all))
	for i, d := range all {
		items[i] = departmentWithPeople{departmentOf(d), d.People}
	}
	return page(items, ""), nil
}

func departmentOf(d chat.Department) Department {
	return Department{ID: idText(d.ID), Parent: idText(d.Parent), Name: d.Name, Position: d.Position, Members: d.Members, Version: d.Version}
}

// departmentID finds a department by its id, or by its name: the first of the tree. One that nobody has is a number that is never an id.
func (a *api) departmentID(ctx context.Context, c *caller, s string) (int64, error) {
	all, err := a.Store.Departments(ctx, c.EID)
	if err != nil {
		return 0, fmt.Errorf("read departments: %w", err)
	}
	for _, same := range []func(chat.Department) bool{
		func(d chat.Department) bool { return strconv.FormatInt(d.ID, 10) == s },
		func(d chat.Department) bool { return d.Name == s },
	} {
		if i := slices.IndexFunc(all, same); i >= 0 {
			return all[i].ID, nil
		}
	}
	return -1, nil
}

func (a *api) createDepartment(ctx context.Context, c *caller, in *struct{ Body departmentBody }) (*answer[Department], error) {
	d := chat.Department{Position: -1}
	var err error
	if d.Name, err = departmentName(in.Body.Name); err != nil {
		return nil, err
	}
	if d.Parent, err = parseID("parent", in.Body.Parent); err != nil {
		return nil, err
	}
	if in.Body.Position != nil {
		d.Position = *in.Body.Position
	}
	if d, err = a.Store.CreateDepartment(ctx, c.actor(), d); err != nil {
		return nil, fmt.Errorf("make a department: %w", err)
	}
	return &answer[Department]{departmentOf(d)}, nil
}

func (a *api) departmentFollowers(ctx context.Context, c *caller, in *struct {
	ID string `path:"id" maxLength:"20"`
}) (*answer[list[ownedGroup]], error) {
	id, err := parseID("id", in.ID)
	if err != nil {
		return nil, chat.Errorf(chat.NotFound, "There is no such department.")
	}
	groups, err := a.Store.Followers(ctx, c.EID, id)
	if err != nil {
		return nil, fmt.Errorf("read who follows a department: %w", err)
	}
	items := make([]ownedGroup, len(groups))
	for i, g := range groups {
		items[i] = ownedGroup(g)
	}
	return page(items, ""), nil
}

func departmentName(s string) (string, error) { return chat.CleanDepartment("name", s) }

func (a *api) updateDepartment(ctx context.Context, c *caller, in *struct {
	DepartmentPath
	Body departmentChange
}) (*answer[Department], error) {
	id, version, err := in.which()
	if err != nil {
		return nil, err
	}
	change := chat.DepartmentChange{Position: in.Body.Position}
	if in.Body.Name != nil {
		name, err := departmentName(*in.Body.Name)
		if err != nil {
			return nil, err
		}
		change.Name = &name
	}
	if in.Body.Parent != nil {
		parent, err := parseID("parent", *in.Body.Parent)
		if err != nil {
			return nil, err
		}
		change.Parent = &parent
	}
	d, err := a.Store.UpdateDepartment(ctx, c.actor(), id, version, change)
	if err != nil {
		return nil, fmt.Errorf("change a department: %w", current(err, departmentOf))
	}
	return &answer[Department]{departmentOf(d)}, nil
}

func (a *api) deleteDepartment(ctx context.Context, c *caller, in *DepartmentPath) (*none, error) {
	id, version, err := in.which()
	if err != nil {
		return nil, err
	}
	if err := a.Store.DeleteDepartment(ctx, c.actor(), id, version); err != nil {
		return nil, fmt.Errorf("delete a department: %w", current(err, departmentOf))
	}
	return nil, nil
}

// which returns the department that is meant, and its version as the caller knows it. An id that can't be one is of no department.
func (in DepartmentPath) which() (id, version int64, err error) {
	if version, err = in.number(); err != nil {
		return 0, 0, err
	}
	if id, err = strconv.ParseInt(in.ID, 10, 64); err != nil {
		return 0, 0, chat.Errorf(chat.NotFound, "There is no such department.")
	}
	return id, version, nil
}
