package store

import (
	"context"
	"fmt"
	"math"
	"slices"

	"magpie/server/chat"
)

// Messages returns a page of a conversation as a user sees it: messages after a seq, or those before one (the newest of them), or with
// both 0 the newest. Who may not read it gets chat.NotFound.
func (s *Store) Messages(ctx context.Context, eid, uid, conv string, before, after uint64, limit int) (chat.History, error) {
	var page chat.History
	limit = clamp(limit, 50, 500)
	err := s.reading(ctx, func(q querier) error {
		ref, err := readable(ctx, q, eid, uid, conv)
		if err != nil {
			return err
		}
		st, err := findStream(ctx, q, ref)
		if err != nil || st.ID == 0 {
			return err
		}
		h := history{Stream: st}
		if h.cleared, h.clearedAt, err = clearedUpTo(ctx, q, eid, uid, st.ID); err != nil {
			return err
		}
		if page.Messages, page.More, err = h.messages(ctx, q, before, after, limit); err != nil {
			return err
		}
		if ref.Kind == chat.StreamGroup && (len(page.Messages) > 0 || before == 0 && after == 0) {
			page.Notices, err = h.notices(ctx, q, page.Messages)
		}
		return err
	})
	if err != nil {
		return chat.History{}, fmt.Errorf("read messages: %w", err)
	}
	return page, nil
}

// history is a conversation's stream as one user sees it.
type history struct {
	chat.Stream
	cleared   uint64
	clearedAt int64
}

func (h history) messages(ctx context.Context, q querier, before, after uint64, limit int) (list []chat.Entry, more bool, err error) {
	first := max(after, h.cleared) + 1
	if after > 0 {
		// One more than asked for tells whether there is another page.
		if list, err = collect(ctx, q, scanEntry, entriesAfter, h.ID, int64(first-1), limit+1); len(list) > limit {
			list, more = list[:limit], true
		}
		return list, more, err
	}
	end := h.Head + 1 // a page that ends before before, or at the head
	if before > 0 {
		end = min(end, before)
	}
	if end <= first {
		return nil, false, nil
	}
	if end-first > uint64(limit) {
		first, more = end-uint64(limit), true
	}
	list, err = collect(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM log l JOIN streams s ON s.id = l.stream LEFT JOIN users u ON u.id = l.author
		WHERE l.stream = $1 AND l.seq >= $2 AND l.seq < $3 ORDER BY l.seq`, h.ID, int64(first), int64(end))
	// Where some are missing, the older ones have been deleted: there is nothing before them.
	return list, more && uint64(len(list)) == end-first, err
}

// notices returns what happened in a group from the time of a page's first message, or from the beginning, up to the message that
// follows the page: so the pages of a conversation share them out.
func (h history) notices(ctx context.Context, q querier, page []chat.Entry) ([]chat.Entry, error) {
	from, to := h.clearedAt, int64(math.MaxInt64)
	if n := len(page); n > 0 {
		if page[0].Seq > h.cleared+1 {
			from = page[0].Time
		}
		if last := page[n-1].Seq; last < h.Head {
			if err := q.QueryRowContext(ctx, `SELECT ts FROM log WHERE stream = $1 AND seq = $2`, h.ID, int64(last)+1).Scan(&to); err != nil {
				return nil, fmt.Errorf("read the message after the page: %w", err)
			}
		}
	}
	st, err := findStream(ctx, q, chat.StreamRef{EID: h.EID, Kind: chat.StreamGroupNotice, Key: h.Key})
	if err != nil || st.ID == 0 {
		return nil, err
	}
	list, err := collect(ctx, q, scanEntry, `SELECT `+entryColumns+` FROM log l JOIN streams s ON s.id = l.stream LEFT JOIN users u ON u.id = l.author
		WHERE l.stream = $1 AND l.ts >= $2 AND l.ts < $3 AND substr(l.payload, 5, 1) BETWEEN $4 AND $5 ORDER BY l.seq DESC LIMIT $6`,
		st.ID, from, to, []byte{byte(chat.NoticeGroupData)}, []byte{byte(chat.NoticeGroupRole)}, chat.MaxPageNotices)
	slices.Reverse(list)
	return list, err
}
