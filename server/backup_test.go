package main

import (
	"os"
	"path/filepath"
	"testing"

	"magpie/server/chat"
)

// TestBackupCutOff starts a server where a crash has cut backups off: what was written of them goes, and nobody waits for them any more.
func TestBackupCutOff(t *testing.T) {
	n := startNode(t, nil)
	elsewhere, own := filepath.Join(t.TempDir(), "b.tar"), filepath.Join(n.conf.Data, backupFolder, "magpie-1.tar")
	whole := filepath.Join(n.conf.Data, backupFolder, "magpie-2.tar")
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path string) {
		if err := os.WriteFile(path, []byte("bytes"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for id, file := range map[string]string{"1": elsewhere, "2": own, "3": whole} {
		if err := n.store.SaveJob(t.Context(), chat.Job{ID: id, Kind: chat.JobBackup, State: chat.JobRunning, Result: chat.JobResult{File: file}}); err != nil {
			t.Fatal(err)
		}
		write(file + partSuffix)
		write(file + copySuffix)
	}
	write(whole) // a backup gets its name last
	n.restart()
	for id, want := range map[string]chat.JobState{"1": chat.JobFailed, "2": chat.JobFailed, "3": chat.JobDone} {
		if j, err := n.store.Job(t.Context(), "", id); err != nil || j.State != want || want == chat.JobFailed && len(j.Result.Errors) != 1 {
			t.Errorf("backup %s: %+v %v", id, j, err)
		}
	}
	for _, dir := range []string{filepath.Dir(elsewhere), filepath.Dir(own)} {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if f.Name() != filepath.Base(whole) {
				t.Errorf("%s is left", f.Name())
			}
		}
	}
}
