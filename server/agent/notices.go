package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"magpie/server/chat"
	"magpie/server/payload"
)

// The contents of notices, keys in the order of docs/protocol.md §8.
type (
	contactNotice struct {
		UID string `json:"uid"`
	}
	profileNotice struct {
		UID    string `json:"uid"`
		Name   string `json:"name"`
		Avatar string `json:"avatar"`
	}
	requestNotice struct {
		UID     string `json:"uid"`
		Message string `json:"message"`
		GID     string `json:"gid,omitempty"`  // a wish to join this group
		Done    bool   `json:"done,omitempty"` // somebody has declined it: it waits no more
	}
	addedNotice struct {
		GID string `json:"gid"`
		UID string `json:"uid"`
	}
	joinedNotice struct {
		GID  string `json:"gid"`
		UID  string `json:"uid"`
		Name string `json:"name"`
		By   string `json:"by,omitempty"` // who added it; itself: it made the group; empty: it joined by itself
	}
	leftNotice struct {
		GID string `json:"gid"`
		UID string `json:"uid"`
		By  string `json:"by"`
	}
	dissolvedNotice struct {
		GID string `json:"gid"`
	}
	dataNotice struct {
		GID          string           `json:"gid"`
		By           string           `json:"by"`
		Name         *string          `json:"name,omitempty"`
		Avatar       *string          `json:"avatar,omitempty"`
		Announcement *string          `json:"announcement,omitempty"`
		Join         *chat.JoinPolicy `json:"join,omitempty"`
		MutedAll     *bool            `json:"muted_all,omitempty"`
		ByDepartment *bool            `json:"by_department,omitempty"`
	}
	roleNotice struct {
		GID        string         `json:"gid"`
		UID        string         `json:"uid"`
		Role       chat.GroupRole `json:"role"`
		MutedUntil int64          `json:"muted_until"` // seconds since 1970 UTC, 0 for not muted
		By         string         `json:"by"`
	}
	recallNotice struct {
		Conv string `json:"conv"`
		Seq  uint64 `json:"seq"`
		By   string `json:"by"`
	}
	editNotice struct {
		Conv  string        `json:"conv"`
		Seq   uint64        `json:"seq"`
		By    string        `json:"by"`
		TS    int64         `json:"ts"` // ms since 1970 UTC of the edit
		Media []chat.Medium `json:"media"`
	}
	announcementNotice struct {
		ID    string `json:"id"`
		Title string `json:"title"`
		Text  string `json:"text"`
		Read  bool   `json:"read,omitempty"`
	}
	readNotice struct {
		Conv string `json:"conv"`
		Seq  uint64 `json:"seq"`
		UID  string `json:"uid"`
	}
	conversationNotice struct {
		Conv       string `json:"conv"`
		Muted      bool   `json:"muted"`
		Pinned     bool   `json:"pinned"`
		ClearedSeq uint64 `json:"cleared_seq"`
	}
)

// notices returns what an event means. Things that are gone by now mean nothing any more.
func (a *Agent) notices(ctx context.Context, e chat.Event) ([]chat.Append, error) {
	out := &outbox{eid: e.EID}
	err := a.write(ctx, e, out)
	if err == nil {
		err = out.err
	}
	if chat.CodeOf(err) == chat.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("notices of event %d %s: %w", e.ID, e.Type, err)
	}
	return out.notices, nil
}

func (a *Agent) write(ctx context.Context, e chat.Event, out *outbox) error {
	switch e.Type {
	case chat.EventContactAdd, chat.EventContactRemove:
		out.user(e.UID, chat.NoticeContacts, contactNotice{e.Other})
	case chat.EventContactRequest:
		out.user(e.Other, chat.NoticeContactRequest, requestNotice{UID: e.UID, Message: e.Text})
	case chat.EventProfile:
		return a.profile(ctx, e, out)
	case chat.EventGroupJoin:
		return a.joined(ctx, e, out)
	case chat.EventGroupLeave:
		by := e.By
		if by == "" {
			by = e.UID
		}
		left := leftNotice{e.GID, e.UID, by}
		out.group(e.GID, chat.NoticeGroupLeft, left)
		out.user(e.UID, chat.NoticeGroupLeft, left) // it does not receive the group's any more
	case chat.EventGroupDissolve:
		for _, uid := range e.Members {
			out.user(uid, chat.NoticeGroupDissolved, dissolvedNotice{e.GID})
		}
	case chat.EventGroupData:
		return a.data(ctx, e, out)
	case chat.EventGroupRole:
		out.group(e.GID, chat.NoticeGroupRole, roleNotice{e.GID, e.UID, e.Role, e.MutedUntil / 1000, e.By})
	case chat.EventGroupRequest:
		_, managers, err := a.store.GroupManagers(ctx, e.EID, e.GID)
		if err != nil {
			return err
		}
		for _, uid := range managers {
			out.user(uid, chat.NoticeContactRequest, requestNotice{UID: e.UID, Message: e.Text, GID: e.GID, Done: e.By != ""})
		}
	case chat.EventRecall:
		if e.Kind == chat.StreamGroup {
			out.group(e.Key, chat.NoticeRecalled, recallNotice{"g:" + e.Key, e.Seq, e.By})
			break
		}
		other := chat.PairOther(e.Key, e.UID)
		out.user(e.UID, chat.NoticeRecalled, recallNotice{"u:" + other, e.Seq, e.By})
		if other != e.UID {
			out.user(other, chat.NoticeRecalled, recallNotice{"u:" + e.UID, e.Seq, e.By})
		}
	case chat.EventEdit:
		return a.edited(ctx, e, out)
	case chat.EventAnnounce:
		x, err := a.store.Announcement(ctx, e.EID, int64(e.Seq))
		if err != nil {
			return err
		}
		for _, uid := range e.Members {
			out.user(uid, chat.NoticeAnnouncement, announcementNotice{ID: strconv.FormatInt(x.ID, 10), Title: x.Title, Text: x.Text})
		}
	case chat.EventAnnounceRead:
		x, err := a.store.Announcement(ctx, e.EID, int64(e.Seq))
		if err != nil {
			return err
		}
		out.user(e.UID, chat.NoticeAnnouncement, announcementNotice{strconv.FormatInt(x.ID, 10), x.Title, x.Text, true})
	case chat.EventRead:
		out.user(e.UID, chat.NoticeRead, readNotice{e.Conv, e.Seq, e.UID})
		if other, ok := strings.CutPrefix(e.Conv, "u:"); ok && other != e.UID {
			out.user(other, chat.NoticeRead, readNotice{"u:" + e.UID, e.Seq, e.UID})
		}
	case chat.EventConversation:
		c, err := a.store.Conversation(ctx, e.EID, e.UID, e.Conv)
		if err != nil {
			return err
		}
		out.user(e.UID, chat.NoticeConversation, conversationNotice{e.Conv, c.Muted, c.Pinned, c.ClearedSeq})
	case chat.EventGroupCreate, chat.EventUserCreated, chat.EventUserDisabled, chat.EventLoginEnded, chat.EventOrg, chat.EventWebhooks, chat.EventNoticesBlanked:
		// The server acts on these; nobody is told by a notice.
	default:
		a.log.Warn("event of unknown type", "type", e.Type, "id", e.ID)
	}
	return nil
}

// profile tells those who show the user: itself on its other devices, who has it as a contact, and its groups.
func (a *Agent) profile(ctx context.Context, e chat.Event, out *outbox) error {
	u, err := a.store.User(ctx, e.EID, e.UID)
	if err != nil {
		return err
	}
	watchers, err := a.store.ContactOf(ctx, e.EID, e.UID)
	if err != nil {
		return err
	}
	groups, err := a.store.Groups(ctx, e.EID, e.UID)
	if err != nil {
		return err
	}
	changed := profileNotice{u.UID, u.Name, u.Avatar}
	out.user(e.UID, chat.NoticeProfile, changed)
	for _, uid := range watchers {
		if uid != e.UID {
			out.user(uid, chat.NoticeProfile, changed)
		}
	}
	for _, g := range groups {
		out.group(g.GID, chat.NoticeProfile, changed)
	}
	return nil
}

// joined tells the newcomer and the group. Of a new group's people its maker alone is announced, which says who made it: there was
// nobody before the others who could see them come.
func (a *Agent) joined(ctx context.Context, e chat.Event, out *outbox) error {
	by := e.By
	if by == "" {
		by = e.UID
	}
	made := e.Text == "create"
	if !made || e.UID != by {
		out.user(e.UID, chat.NoticeGroupAdded, addedNotice{e.GID, by})
	}
	if made && e.UID != by {
		return nil
	}
	u, err := a.store.User(ctx, e.EID, e.UID)
	if err != nil {
		return err
	}
	n := joinedNotice{GID: e.GID, UID: e.UID, Name: u.Name}
	if made || by != e.UID {
		n.By = by
	}
	out.group(e.GID, chat.NoticeGroupJoined, n)
	return nil
}

// edited tells what a message says now. Of one that was recalled meanwhile another event tells.
func (a *Agent) edited(ctx context.Context, e chat.Event, out *outbox) error {
	entry, err := a.store.Message(ctx, chat.StreamRef{EID: e.EID, Kind: e.Kind, Key: e.Key}, e.Seq)
	if err != nil {
		return err
	}
	im, err := payload.DecodeIM(entry.Payload)
	if err != nil {
		return fmt.Errorf("decode message %d of stream %d: %w", entry.Seq, entry.StreamID, err)
	}
	at := payload.EditedAt(im)
	if at.IsZero() {
		return nil
	}
	n := editNotice{Seq: e.Seq, By: entry.Sender, TS: at.UnixMilli(), Media: im.Media}
	out.tells = &entry
	if e.Kind == chat.StreamGroup {
		n.Conv = "g:" + e.Key
		out.group(e.Key, chat.NoticeEdited, n)
		return nil
	}
	other := chat.PairOther(e.Key, e.UID)
	n.Conv = "u:" + other
	out.user(e.UID, chat.NoticeEdited, n)
	if other != e.UID {
		n.Conv = "u:" + e.UID
		out.user(other, chat.NoticeEdited, n)
	}
	return nil
}

func (a *Agent) data(ctx context.Context, e chat.Event, out *outbox) error {
	g, _, err := a.store.GroupManagers(ctx, e.EID, e.GID)
	if err != nil {
		return err
	}
	n := dataNotice{GID: e.GID, By: e.By}
	for field, set := range map[string]func(){
		"name":         func() { n.Name = &g.Name },
		"avatar":       func() { n.Avatar = &g.Avatar },
		"announcement": func() { n.Announcement = &g.Announcement },
		"join":         func() { n.Join = &g.Join },
		"muted_all":    func() { n.MutedAll = &g.MutedAll },
		"by_department": func() {
			follows := g.Follows != 0
			n.ByDepartment = &follows
		},
	} {
		if slices.Contains(e.Changed, field) {
			set()
		}
	}
	out.group(e.GID, chat.NoticeGroupData, n)
	return nil
}

// outbox collects the notices of one event. The store writes the time into them.
type outbox struct {
	eid     string
	notices []chat.Append
	tells   *chat.Entry // the message that the notices repeat
	err     error       // the first
}

func (o *outbox) user(uid string, t chat.NoticeType, content any) {
	o.add(chat.StreamUserNotice, uid, t, content)
}

func (o *outbox) group(gid string, t chat.NoticeType, content any) {
	o.add(chat.StreamGroupNotice, gid, t, content)
}

func (o *outbox) add(kind chat.StreamKind, key string, t chat.NoticeType, content any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // it would only make the notice longer
	err := enc.Encode(content)
	var b []byte
	if err == nil {
		b, err = payload.EncodeNotice(chat.Notice{Type: t, Content: bytes.TrimSpace(buf.Bytes())})
	}
	if err != nil {
		if o.err == nil {
			o.err = err
		}
		return
	}
	o.notices = append(o.notices, chat.Append{Stream: chat.StreamRef{EID: o.eid, Kind: kind, Key: key}, Payload: b, Tells: o.tells})
}
