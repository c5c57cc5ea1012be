package broker

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// WebSocket opcodes (RFC 6455 §5.2).
const (
	wsContinuation = 0
	wsText         = 1
	wsBinary       = 2
	wsClose        = 8
	wsPing         = 9
	wsPong         = 10
)

// WebSocket close codes (RFC 6455 §7.4.1).
const (
	wsNormal      = 1000
	wsGoingAway   = 1001
	wsProtocol    = 1002
	wsUnsupported = 1003
	wsInvalid     = 1007
	wsPolicy      = 1008
	wsTooBig      = 1009
	wsInternal    = 1011
)

// wsError is a breach of the WebSocket protocol, and the code that the connection is closed with.
type wsError struct {
	code uint16
	text string
}

func (e *wsError) Error() string { return "websocket: " + e.text }

var (
	errWSReserved  = &wsError{wsProtocol, "reserved bit or opcode"}
	errWSUnmasked  = &wsError{wsProtocol, "frame of a client without a mask"}
	errWSFragment  = &wsError{wsProtocol, "fragments out of order"}
	errWSControl   = &wsError{wsProtocol, "control frame in fragments or above 125 bytes"}
	errWSLength    = &wsError{wsProtocol, "length not in its shortest form"}
	errWSText      = &wsError{wsUnsupported, "text frame"}
	errWSTooBig    = &wsError{wsTooBig, "frame too large"}
	errWSEmpty     = &wsError{wsPolicy, "too many empty frames"}
	errWSCloseCode = &wsError{wsProtocol, "close frame with an invalid code"}
	errWSCloseText = &wsError{wsInvalid, "close frame with invalid UTF-8"}
)

// maxEmptyFrames is how many data frames without a byte may follow each other. They cost their sender next to nothing.
const maxEmptyFrames = 256

// wsHeader appends the header of an unmasked, final frame of n bytes (RFC 6455 §5.2).
func wsHeader(dst []byte, op byte, n int) []byte {
	switch {
	case n < 126:
		return append(dst, 0x80|op, byte(n))
	case n < 1<<16:
		return append(dst, 0x80|op, 126, byte(n>>8), byte(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 0x80|op, 127), uint64(n))
	}
}

// wsDecoder takes a client's frames apart in place, in whatever pieces they come. It holds no payload: an idle connection
// costs no buffer, and a large frame no memory.
type wsDecoder struct {
	limit   uint64   // largest data frame in bytes
	left    uint64   // bytes of the frame still to come
	control []byte   // a control frame's payload that comes in pieces
	mask    uint32   // turned so that its lowest byte is for the next payload byte
	empty   uint16   // data frames without a byte, in a row
	head    [14]byte // of the frame
	have    uint8    // bytes of head
	inFrame bool     // head is complete
	inMsg   bool     // the message goes on in the next data frame
}

// decode unmasks b and moves the payload of its data frames to b[:n]. It calls control for every complete control frame, with
// a payload that is valid during the call. Nothing is decoded after an error, but the n bytes before it are good.
func (d *wsDecoder) decode(b []byte, control func(op byte, payload []byte) error) (n int, err error) {
	for i := 0; i < len(b); {
		if !d.inFrame {
			d.head[d.have] = b[i]
			d.have++
			i++
			if err := d.header(); err != nil {
				return n, err
			}
			if !d.inFrame {
				continue
			}
		}
		part := b[i : i+int(min(uint64(len(b)-i), d.left))]
		i += len(part)
		d.left -= uint64(len(part))
		d.unmask(part)
		op := d.head[0] & 15
		if op < wsClose {
			n += copy(b[n:], part)
		} else if d.left > 0 || d.control != nil {
			d.control = append(d.control, part...)
			part = d.control
		}
		if d.left > 0 {
			continue
		}
		d.inFrame, d.have = false, 0
		if op >= wsClose {
			d.control = nil
			if err := control(op, part); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// header looks at what there is of the frame's header, and begins the frame when it is complete.
func (d *wsDecoder) header() error {
	if d.have < 2 {
		return nil
	}
	if d.have == 2 {
		if err := d.checkStart(); err != nil {
			return err
		}
	}
	size, wide := uint64(d.head[1]&127), 0
	switch size {
	case 126:
		wide = 2
	case 127:
		wide = 8
	}
	if int(d.have) < 2+wide+4 {
		return nil
	}
	switch wide {
	case 2:
		if size = uint64(binary.BigEndian.Uint16(d.head[2:])); size < 126 {
			return errWSLength
		}
	case 8:
		if size = binary.BigEndian.Uint64(d.head[2:]); size < 1<<16 || size>>63 != 0 {
			return errWSLength
		}
	}
	if d.head[0]&15 < wsClose {
		switch {
		case size > d.limit:
			return errWSTooBig
		case size > 0:
			d.empty = 0
		default:
			if d.empty++; d.empty > maxEmptyFrames {
				return errWSEmpty
			}
		}
		d.inMsg = d.head[0]&0x80 == 0
	}
	d.mask = binary.LittleEndian.Uint32(d.head[2+wide:])
	d.left = size
	d.inFrame = true
	return nil
}

// checkStart checks the first two bytes of a header (RFC 6455 §5.2, §5.4, §5.5).
func (d *wsDecoder) checkStart() error {
	if d.head[0]&0x70 != 0 {
		return errWSReserved
	}
	if d.head[1]&0x80 == 0 {
		return errWSUnmasked // RFC 6455 §5.1
	}
	switch d.head[0] & 15 {
	case wsContinuation:
		if !d.inMsg {
			return errWSFragment
		}
	case wsBinary:
		if d.inMsg {
			return errWSFragment
		}
	case wsText:
		return errWSText // MQTT 5 §6.0
	case wsClose, wsPing, wsPong:
		if d.head[0]&0x80 == 0 || d.head[1]&127 > 125 {
			return errWSControl
		}
	default:
		return errWSReserved
	}
	return nil
}

// unmask takes the mask off the next bytes of the payload (RFC 6455 §5.3).
func (d *wsDecoder) unmask(b []byte) {
	turn := -8 * (len(b) & 3)
	key := uint64(d.mask)<<32 | uint64(d.mask)
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^key)
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * i))
	}
	d.mask = bits.RotateLeft32(d.mask, turn)
}

// checkClose checks a close frame's payload (RFC 6455 §5.5.1, §7.4) and returns the code to answer with.
func checkClose(payload []byte) (code uint16, err error) {
	if len(payload) == 0 {
		return wsNormal, nil
	}
	if len(payload) == 1 {
		return 0, errWSCloseCode
	}
	code = binary.BigEndian.Uint16(payload)
	if code < 1000 || code >= 1004 && code <= 1006 || code >= 1015 && code < 3000 || code > 4999 {
		return 0, errWSCloseCode
	}
	if !utf8.Valid(payload[2:]) {
		return 0, errWSCloseText
	}
	return code, nil
}
