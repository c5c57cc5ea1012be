package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"magpie/server/chat"
)

// DoomOrg says that an organisation, of which the caller knows version, is to be deleted after chat.OrgDelay. Until then it is closed, and KeepOrg
// takes it back.
func (s *Store) DoomOrg(ctx context.Context, by chat.Actor, eid string, version int64) (chat.Org, error) {
	o, err := s.changeOrg(ctx, by, eid, "org.delete", func(t *tx, o *chat.Org) error {
		if o.Version != version {
			return changedMeanwhile(*o)
		}
		if !o.Doomed.IsZero() {
			return nil
		}
		if by.EID == eid {
			return chat.Errorf(chat.Conflict, "This is your own organisation: somebody of another one can delete it.").Named(chat.ProblemOwnOrg)
		}
		if err := t.notTheLast(eid); err != nil {
			return err
		}
		o.Doomed = fromMS(now() + chat.OrgDelay.Milliseconds())
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("mark an organisation to be deleted: %w", err)
	}
	return o, nil
}

// KeepOrg takes back that an organisation is to be deleted. One that was suspended before stays so.
func (s *Store) KeepOrg(ctx context.Context, by chat.Actor, eid string) (chat.Org, error) {
	o, err := s.changeOrg(ctx, by, eid, "org.keep", func(_ *tx, o *chat.Org) error {
		o.Doomed = fromMS(0)
		return nil
	})
	if err != nil {
		return o, fmt.Errorf("keep an organisation: %w", err)
	}
	return o, nil
}

// changeOrg runs a change of an organisation by a system administrator, and notes what it changed in the logs of both, so that the note outlives
// the organisation.
func (s *Store) changeOrg(ctx context.Context, by chat.Actor, eid, action string, change func(*tx, *chat.Org) error) (chat.Org, error) {
	var o chat.Org
	err := s.administer(ctx, by, chat.ManageOrganisations, func(t *tx) (err error) {
		if o, err = readOrg(background, t, eid); err != nil {
			return err
		}
		if o.Over(time.Now()) {
			return chat.Errorf(chat.Conflict, "This organisation is being deleted.").Named(chat.ProblemDeletionBegun)
		}
		before := o
		if err := change(t, &o); err != nil {
			return err
		}
		from, to := difference(orgRecord(before), orgRecord(o))
		if to == nil {
			return nil
		}
		o.Version++
		err = t.exec(`UPDATE orgs SET name = $2, logo = $3, suspended = $4, doomed = $5, max_people = $6, max_groups = $7, max_storage = $8, version = $9 WHERE eid = $1`,
			eid, o.Name, o.Logo, ms(o.Suspended), ms(o.Doomed), o.Limits.People, o.Limits.Groups, o.Limits.Storage, o.Version)
		if err != nil {
			return err
		}
		if err := t.changeLogo(by, before.Logo, o.Logo); err != nil {
			return err
		}
		if err := t.auditOrg(by, eid, action, from, to); err != nil {
			return err
		}
		return t.event(chat.Event{EID: eid, Type: chat.EventOrg})
	})
	return o, err
}

// auditOrg notes what was done to an organisation in its own log, and in that of whoever did it.
func (t *tx) auditOrg(by chat.Actor, eid, action string, before, after any) error {
	own := by
	own.EID = eid
	if err := t.audit(own, action, eid, before, after); err != nil || by.EID == eid || by.EID == "" {
		return err
	}
	return t.audit(by, action, eid, before, after)
}

// notTheLast refuses what would leave the server without an organisation, or without a system administrator.
func (t *tx) notTheLast(eid string) error {
	var alone bool
	err := t.row(`SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM orgs WHERE eid <> $1 AND doomed = 0)
		OR EXISTS (SELECT 1 FROM users WHERE eid = $1 AND role = 'system' AND disabled = 0) AND NOT EXISTS (
			SELECT 1 FROM orgs o JOIN users u ON u.eid = o.eid WHERE o.eid <> $1 AND o.doomed = 0 AND u.role = 'system' AND u.disabled = 0) THEN 1 ELSE 0 END`, eid).Scan(&alone)
	if err == nil && alone {
		err = chat.Errorf(chat.Conflict, "This is the last organisation, or has the last system administrator.").Named(chat.ProblemLastOrg)
	}
	return err
}

// removeStep is how many rows one transaction deletes of an organisation, so that messages of others never wait for it.
const removeStep = 200

// RemoveOrgs deletes the organisations whose time has come by at, with everything that is theirs, some at a time. A removal that is interrupted goes on at the next
// call. It returns how many are gone.
func (s *Store) RemoveOrgs(ctx context.Context, at time.Time) (n int, err error) {
	eids, err := collect(ctx, s.read, scanString, `SELECT eid FROM orgs WHERE doomed > 0 AND doomed <= $1 ORDER BY eid`, ms(at))
	if err != nil {
		return 0, fmt.Errorf("look for organisations to delete: %w", err)
	}
	for _, eid := range eids {
		for gone := false; !gone; {
			if err := s.change(ctx, func(t *tx) (err error) { gone, err = t.removeOrg(eid); return err }); err != nil {
				return n, fmt.Errorf("delete an organisation: %w", err)
			}
		}
		n++
	}
	return n, nil
}

// removeOrg takes one step, and reports whether it was the last: when nothing is left, the organisation itself goes.
func (t *tx) removeOrg(eid string) (gone bool, err error) {
	t.forget()
	for _, remove := range []func(eid string) (int64, error){t.removeStreams, t.removeFiles, t.removeUploads, t.removeLogins, t.removeRows} {
		if n, err := remove(eid); err != nil || n > 0 {
			return false, err
		}
	}
	o, err := readOrg(background, t, eid)
	if err != nil {
		return false, err
	}
	if err := t.changeLogo(chat.Actor{}, o.Logo, ""); err != nil {
		return false, err
	}
	if err := t.exec(`DELETE FROM orgs WHERE eid = $1`, eid); err != nil {
		return false, err
	}
	if err := t.exec(`INSERT INTO past_orgs (eid, ended) VALUES ($1, $2)`, eid, now()); err != nil {
		return false, err
	}
	keepers, err := collect(background, t, scanString, `SELECT DISTINCT eid FROM users WHERE role = 'system' ORDER BY eid`)
	if err != nil {
		return false, err
	}
	for _, keeper := range keepers {
		if err := t.audit(chat.Actor{EID: keeper, Addr: chat.ActorServer}, "org.deleted", eid, map[string]any{"name": o.Name}, nil); err != nil {
			return false, err
		}
	}
	return true, t.event(chat.Event{EID: eid, Type: chat.EventOrg})
}

// streamTables are the tables whose rows belong to entries of a conversation, and the conversation's log.
var streamTables = []string{"mentions", "edit_notices", "file_refs", "log"}

// removeStreams deletes messages and notices with what belongs to them, and the conversations that are empty then.
func (t *tx) removeStreams(eid string) (n int64, err error) {
	for n < removeStep {
		var id int64
		ref := chat.StreamRef{EID: eid}
		err := t.row(`SELECT COALESCE(MIN(id), 0) FROM streams WHERE eid = $1`, eid).Scan(&id)
		if err != nil || id == 0 {
			return n, err
		}
		last, more := int64(math.MaxInt64), false
		err = t.row(`SELECT COALESCE(MAX(seq), $3), COUNT(*) > 0 FROM (SELECT seq FROM log WHERE stream = $1 ORDER BY seq LIMIT $2) old`, id, removeStep-n, last).Scan(&last, &more)
		if err != nil {
			return n, err
		}
		for _, table := range streamTables {
			deleted, err := t.affect(`DELETE FROM `+table+` WHERE stream = $1 AND seq <= $2`, id, last)
			if err != nil {
				return n, err
			}
			n += deleted
		}
		if more {
			continue
		}
		for _, table := range []string{"participants", "cleared"} {
			deleted, err := t.affect(`DELETE FROM `+table+` WHERE stream = $1 AND uid IN (SELECT uid FROM `+table+` WHERE stream = $1 LIMIT $2)`, id, removeStep)
			if err != nil {
				return n, err
			}
			if n += deleted; deleted == removeStep {
				return n, nil
			}
		}
		if err := t.row(`DELETE FROM streams WHERE id = $1 RETURNING kind, key`, id).Scan(&ref.Kind, &ref.Key); err != nil {
			return n, err
		}
		delete(t.w.heads, ref)
		n++
	}
	return n, nil
}

func (t *tx) removeFiles(eid string) (int64, error) {
	files, err := collect(background, t, func(scan func(...any) error) (f chat.File, err error) {
		var size int64
		f.EID = eid
		err = scan(&f.ID, &f.UID, &size)
		f.Blobs = []chat.Blob{{Size: size}}
		return f, err
	}, `SELECT id, uid, size FROM files WHERE eid = $1 LIMIT $2`, eid, sweepStep)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		// The logo of another organisation may be a picture that somebody of this one has uploaded.
		if err := t.exec(`UPDATE orgs SET logo = '' WHERE logo = $1`, chat.FilePath+f.ID); err != nil {
			return 0, err
		}
		if err := t.removeFile(f); err != nil {
			return 0, err
		}
	}
	return int64(len(files)), nil
}

func (t *tx) removeUploads(eid string) (int64, error) {
	uploads, err := collect(background, t, func(scan func(...any) error) (u [2]string, err error) {
		err = scan(&u[0], &u[1])
		return u, err
	}, `SELECT id, key FROM uploads WHERE eid = $1 LIMIT $2`, eid, sweepStep)
	if err != nil {
		return 0, err
	}
	for _, u := range uploads {
		if err := t.deleteUpload(u[0], u[1]); err != nil {
			return 0, err
		}
	}
	return int64(len(uploads)), nil
}

func (t *tx) removeLogins(eid string) (int64, error) {
	ids, err := collect(background, t, scanString, `SELECT id FROM logins WHERE eid = $1 LIMIT $2`, eid, removeStep)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	list := jsonList(ids)
	if err := t.exec(`DELETE FROM refresh_tokens WHERE login IN (SELECT value FROM json_each(CAST($1 AS text)))`, list); err != nil {
		return 0, err
	}
	return t.affect(`DELETE FROM logins WHERE id IN (SELECT value FROM json_each(CAST($1 AS text)))`, list)
}

// orgTables are the tables that have nothing but rows of organisations, with what tells the rows of one apart: first what refers to others, last what
// others refer to.
var orgTables = [][2]string{
	{"webhooks", "id"}, {"incoming_hooks", "id"},
	{"api_keys", "id"}, {"app_bots", "uid"}, {"app_tokens", "app, hash"}, {"app_keys", "app, id"}, {"app_origins", "origin, app"}, {"apps", "id"},
	{"steps", "id"}, {"jobs", "id"}, {"sessions", "id"}, {"password_links", "hash"},
	{"announcement_parts", "announcement, part"}, {"announcement_readers", "announcement, uid"}, {"announcements", "id"},
	{"reports", "id"}, {"day_figures", "day"}, {"retained", "topic"}, {"contacts", "uid, other"}, {"contact_requests", "uid, sender"},
	{"group_links", "id"}, {"join_requests", "gid, uid"}, {"members", "gid, uid"}, {"dissolved_members", "gid, uid"}, {"chat_groups", "gid"},
	{"participants", "uid, stream"}, {"cleared", "uid, stream"},
	{"user_words", "hidden, word, name, uid"}, {"department_words", "word, department"}, {"department_members", "department, hidden, name, uid"}, {"departments", "id"},
	{"file_use", "uid"}, {"objects", "hash"}, {"events", "id"}, {"audit", "id"}, {"users", "id"},
}

func (t *tx) removeRows(eid string) (int64, error) {
	for _, table := range orgTables {
		name, key := table[0], table[1]
		if name == "apps" {
			if err := t.exec(`INSERT INTO past_apps (id, ended) SELECT id, $2 FROM apps WHERE eid = $1 ON CONFLICT DO NOTHING`, eid, now()); err != nil {
				return 0, err
			}
		}
		n, err := t.affect(`DELETE FROM `+name+` WHERE eid = $1 AND (`+key+`) IN (SELECT `+key+` FROM `+name+` WHERE eid = $1 LIMIT $2)`, eid, removeStep)
		if err != nil {
			return 0, fmt.Errorf("delete of %s: %w", name, err)
		}
		if n == 0 {
			continue
		}
		if name == "users" {
			for user := range t.w.users {
				if user[0] == eid {
					delete(t.w.users, user)
				}
			}
		}
		return n, nil
	}
	return 0, nil
}
