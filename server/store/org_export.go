package store

import (
	"context"
	"fmt"

	"magpie/server/chat"
)

// NoteExport writes down that an organisation's data are given to somebody, and returns the organisation.
func (s *Store) NoteExport(ctx context.Context, by chat.Actor, eid string) (o chat.Org, err error) {
	err = s.administer(ctx, by, chat.ManageOrganisations, func(t *tx) (err error) {
		if o, err = readOrg(background, t, eid); err != nil {
			return err
		}
		return t.auditOrg(by, eid, "org.export", nil, nil)
	})
	if err != nil {
		return o, fmt.Errorf("note an export: %w", err)
	}
	return o, nil
}

// OrgConversations returns a page of an organisation's conversations, by id, after one of them.
func (s *Store) OrgConversations(ctx context.Context, eid string, after int64, limit int) ([]chat.Stream, error) {
	list, err := collect(ctx, s.read, func(scan func(...any) error) (st chat.Stream, err error) {
		st.EID = eid
		err = scan(&st.ID, &st.Kind, &st.Key, &st.Head)
		return st, err
	}, `SELECT id, kind, key, head FROM streams WHERE eid = $1 AND kind IN (1, 2) AND head > 0 AND id > $2 ORDER BY id LIMIT $3`, eid, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the conversations of an organisation: %w", err)
	}
	return list, nil
}

// OrgFiles returns a page of an organisation's files with their bytes' places, by id, after one of them. Of each there is what its link names.
func (s *Store) OrgFiles(ctx context.Context, eid, after string, limit int) ([]chat.File, error) {
	list, err := collect(ctx, s.read, func(scan func(...any) error) (f chat.File, err error) {
		f.EID = eid
		var created int64
		var b chat.Blob
		err = scan(&f.ID, &f.UID, &f.Purpose, &f.Name, &f.Type, &f.Kind, &created, &b.Type, &b.Hash, &b.Key, &b.Size)
		f.Created, f.Blobs = fromMS(created), []chat.Blob{b}
		return f, err
	}, `SELECT f.id, f.uid, f.purpose, f.name, f.type, f.kind, f.created, v.type, v.hash, o.key, o.size FROM files f
		JOIN file_variants v ON v.file = f.id AND v.variant = '' JOIN objects o ON o.eid = v.eid AND o.hash = v.hash
		WHERE f.id IN (SELECT id FROM files WHERE eid = $1 AND id > $2 ORDER BY id LIMIT $3) ORDER BY f.id`, eid, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read the files of an organisation: %w", err)
	}
	return list, nil
}
