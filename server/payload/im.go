// Package payload turns the bytes of messages, notices and presence into the chat package's values and back
// (docs/protocol.md §4, §7 and §8).
//
// There is one encoding of every value: what a decoder takes, its encoder writes back byte for byte. Decoders refuse
// bytes after the end, and IM and notices cut short at any place. Content is kept as the bytes that came, since
// writing the JSON anew could change them. Errors are *chat.Error of code Invalid.
//
// The browser's codec in web/core/payload gives the same verdict on every input; both are held to
// testdata/vectors.json and testdata/mutations.json.
package payload

import (
	"encoding/binary"
	"time"

	"magpie/server/chat"
)

// DecodeIM reads an instant message. The contents of the result are parts of b, not copies.
func DecodeIM(b []byte) (chat.IM, error) {
	if len(b) < 5 {
		return chat.IM{}, malformed("The message is too short.")
	}
	m := chat.IM{TS: binary.BigEndian.Uint32(b), Type: b[4] >> 4}
	count := int(b[4] & 0x0f)
	if err := checkHead(m.Type, count); err != nil {
		return chat.IM{}, err
	}
	rest := b[5:]
	m.Media = make([]chat.Medium, count)
	for i := range m.Media {
		if len(rest) < 5 {
			return chat.IM{}, malformed("The message is truncated in its media.")
		}
		size := binary.BigEndian.Uint32(rest[1:])
		if uint64(size) > uint64(len(rest)-5) {
			return chat.IM{}, malformed("A content length of the message points beyond its end.")
		}
		content := rest[5 : 5+size : 5+size]
		if err := checkObject(content); err != nil {
			return chat.IM{}, err
		}
		m.Media[i] = chat.Medium{Type: rest[0], Content: content}
		rest = rest[5+size:]
	}
	if len(rest) == 0 {
		return chat.IM{}, malformed("The message is truncated before its sender.")
	}
	size := int(rest[0])
	rest = rest[1:]
	if len(rest) < size {
		return chat.IM{}, malformed("The message is truncated in its sender.")
	}
	if len(rest) > size {
		return chat.IM{}, malformed("The message has trailing bytes after its sender.")
	}
	m.Sender = string(rest)
	return m, checkSender(m.Sender)
}

// EncodeIM writes an instant message; it refuses what DecodeIM would refuse.
func EncodeIM(m chat.IM) ([]byte, error) {
	if err := checkHead(m.Type, len(m.Media)); err != nil {
		return nil, err
	}
	if err := checkSender(m.Sender); err != nil {
		return nil, err
	}
	size := 5 + 1 + len(m.Sender)
	for _, medium := range m.Media {
		size += 5 + len(medium.Content)
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint32(b, m.TS)
	b = append(b, m.Type<<4|byte(len(m.Media)))
	for _, medium := range m.Media {
		if err := checkObject(medium.Content); err != nil {
			return nil, err
		}
		b = append(b, medium.Type)
		b = binary.BigEndian.AppendUint32(b, uint32(len(medium.Content)))
		b = append(b, medium.Content...)
	}
	b = append(b, byte(len(m.Sender)))
	return append(b, m.Sender...), nil
}

// Stamp writes a time, in whole seconds, over bytes 0–3 of an IM or notice. b has at least 4 bytes.
func Stamp(b []byte, t time.Time) {
	binary.BigEndian.PutUint32(b, uint32(t.Unix()))
}

func checkHead(imType byte, media int) error {
	if imType != chat.IMPair && imType != chat.IMGroup {
		return malformed("The message's type must be 1 (one to one) or 2 (group).")
	}
	if media < 1 || media > chat.MaxMedia {
		return malformed("The message's media count must be 1 to 7.")
	}
	return nil
}

func checkSender(uid string) error {
	if !chat.ValidUID(uid) {
		return malformed("The message's sender is not a valid user id.")
	}
	return nil
}

func malformed(message string) error {
	return &chat.Error{Code: chat.Invalid, Message: message}
}
