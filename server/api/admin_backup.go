package api

import (
	"context"
	"fmt"
	"net/http"

	"magpie/server/chat"
)

// Backups copy the server.
type Backups interface {
	// Backup begins a backup into a file, or for "" into the data folder's own folder of backups.
	Backup(ctx context.Context, by chat.Actor, file string) (chat.Job, error)
}

func (a *api) backupRoutes() {
	route(a, op{method: "POST", path: "/admin/backup", id: "admin-backup", tag: "Administration", right: chat.Backup, status: http.StatusAccepted,
		summary: "Back the server up", about: "Answers a job. The file lies in the folder backups of the data folder."}, a.backup)
	route(a, op{method: "GET", path: "/admin/backups", id: "admin-list-backups", tag: "Administration", right: chat.Backup, summary: "The last backups, the newest first"}, a.backups)
}

func (a *api) backup(ctx context.Context, c *caller, in *struct {
	Body *struct {
		File string `json:"file,omitempty" maxLength:"4096" doc:"For the shell: where it goes."`
	} `required:"false"`
}) (*answer[job], error) {
	file := ""
	if in.Body != nil {
		file = in.Body.File
	}
	j, err := a.Backups.Backup(ctx, c.actor(), file)
	if err != nil {
		return nil, fmt.Errorf("begin a backup: %w", err)
	}
	return &answer[job]{jobOf(j)}, nil
}

func (a *api) backups(ctx context.Context, _ *caller, _ *struct{}) (*answer[list[job]], error) {
	jobs, err := a.Store.Jobs(ctx, "", chat.JobBackup, 20)
	if err != nil {
		return nil, fmt.Errorf("read backups: %w", err)
	}
	return page(jobsOf(jobs), ""), nil
}
