package roster

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"magpie/server/chat"
)

// columns are the headings that are known, in lower case, and the field that each names.
var columns = map[string]string{
	"uid": "uid", "username": "uid", "user name": "uid", "用户名": "uid", "账号": "uid", "工号": "uid",
	"name": "name", "full name": "name", "姓名": "name", "名字": "name",
	"email": "email", "e-mail": "email", "mail": "email", "邮箱": "email", "电子邮件": "email",
	"title": "title", "job title": "title", "职位": "title", "职务": "title", "岗位": "title",
	"department": "departments", "departments": "departments", "部门": "departments",
	"role": "role", "角色": "role",
	// An export has these; they say nothing that an import could set.
	"disabled": "", "created": "", "seen": "",
}

// table reads a CSV file line by line, in whatever encoding and with whatever delimiter it is.
type table struct {
	file   *os.File
	csv    *csv.Reader
	coding string   // how it is encoded, as people call it
	fields []string // of each column, "" for one that is passed over
	named  []bool   // whether a column has a heading
}

// open looks at a file and reads its heading. What is wrong with it is a chat.JobError of line 1.
func open(path string) (*table, *chat.JobError, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open the file: %w", err)
	}
	t := &table{file: f}
	wrong, err := t.begin()
	if err != nil || wrong != nil {
		_ = f.Close()
		return nil, wrong, err
	}
	return t, nil, nil
}

func (t *table) begin() (*chat.JobError, error) {
	coding, name, err := codingOf(t.file)
	if err != nil {
		return nil, err
	}
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	t.coding = name
	in := bufio.NewReaderSize(coding.NewDecoder().Reader(bufio.NewReader(t.file)), 64<<10)
	head, err := in.Peek(in.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.IndexByte(head, 0) >= 0 {
		return &chat.JobError{Line: 1, Code: chat.FieldFormat, Message: "This is not a CSV file. Save the table as CSV first."}, nil
	}
	t.csv = csv.NewReader(in)
	t.csv.Comma, t.csv.FieldsPerRecord, t.csv.ReuseRecord, t.csv.TrimLeadingSpace = delimiter(head), -1, true, true
	names, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return &chat.JobError{Line: 1, Code: chat.FieldRequired, Message: "The file is empty."}, nil
	}
	if err != nil {
		return &chat.JobError{Line: 1, Code: chat.FieldFormat, Message: "The heading can't be read."}, nil
	}
	for _, name := range names {
		name = strings.TrimSpace(name)
		field, known := columns[strings.ToLower(name)]
		switch {
		case name != "" && !known:
			return &chat.JobError{Line: 1, Field: name, Code: chat.FieldUnknown, Message: fmt.Sprintf("There is no column %q. Known are uid, name, email, title, departments and role.", name)}, nil
		case field != "" && t.column(field) >= 0:
			return &chat.JobError{Line: 1, Field: field, Code: chat.FieldRepeated, Message: fmt.Sprintf("The column %s is there twice.", field)}, nil
		}
		t.fields, t.named = append(t.fields, field), append(t.named, name != "")
	}
	if t.column("uid") < 0 {
		return &chat.JobError{Line: 1, Field: "uid", Code: chat.FieldRequired, Message: "The heading must name the columns; uid is missing."}, nil
	}
	return nil, nil
}

func (t *table) column(field string) int {
	for i, f := range t.fields {
		if f == field {
			return i
		}
	}
	return -1
}

func (t *table) close() { _ = t.file.Close() }

// next reads a line of cells, by field; empty lines are passed over. At the end it returns io.EOF. What is wrong with a line comes with its cells
// where the lines after it can be read.
func (t *table) next() (line int, cells map[string]string, wrong *chat.JobError, err error) {
	for {
		record, err := t.csv.Read()
		if errors.Is(err, io.EOF) {
			return 0, nil, nil, io.EOF
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return bad.StartLine, nil, &chat.JobError{Line: bad.StartLine, Code: chat.FieldFormat, Message: "The quotation marks in this line don't fit together; what follows was not read."}, nil
		}
		if err != nil {
			return 0, nil, nil, fmt.Errorf("read the file: %w", err)
		}
		line, _ = t.csv.FieldPos(0)
		cells = make(map[string]string, len(t.fields))
		empty, surplus := true, false
		for i, cell := range record {
			cell = strings.TrimSpace(cell)
			empty = empty && cell == ""
			surplus = surplus || cell != "" && (i >= len(t.named) || !t.named[i])
			if i < len(t.fields) && t.fields[i] != "" {
				cells[t.fields[i]] = plain(cell)
			}
			if !utf8.ValidString(cell) || strings.ContainsRune(cell, utf8.RuneError) {
				return line, nil, &chat.JobError{Line: line, Code: chat.FieldFormat, Message: "This line has characters that can't be read. Save the file as UTF-8."}, nil
			}
		}
		if surplus {
			wrong = &chat.JobError{Line: line, Code: chat.FieldSurplus, Message: "This line has something in a cell that stands under no heading. Put quotation marks around a cell that has a comma in it."}
		}
		if !empty {
			return line, cells, wrong, nil
		}
	}
}

// plain takes off the apostrophe that an export puts before what a spreadsheet would take for a formula.
func plain(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune("=+-@", rune(cell[1])) {
		return cell[1:]
	}
	return cell
}

// codingOf finds out how a file is encoded: by its byte order mark; else UTF-8, where all of it is that; else GB 18030, which what
// spreadsheets write in China as GBK is a part of. That one is a guess, as most bytes are some text in it: who imports is shown what it gives.
func codingOf(r io.Reader) (c encoding.Encoding, name string, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	mark, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("read the file: %w", err)
	}
	if string(mark) == "\xff\xfe" || string(mark) == "\xfe\xff" {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16", nil
	}
	for {
		c, size, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			return unicode.UTF8BOM, "UTF-8", nil
		case err != nil:
			return nil, "", fmt.Errorf("read the file: %w", err)
		case c == utf8.RuneError && size == 1:
			return simplifiedchinese.GB18030, "GB 18030", nil
		}
	}
}

// delimiter is the one that the first line has most of, outside quotation marks.
func delimiter(head []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, c := range string(head) {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted && (c == '\n' || c == '\r') {
			break
		}
		if !quoted && (c == ',' || c == ';' || c == '\t') {
			counts[c]++
		}
	}
	best := ','
	for _, c := range []rune{';', '\t'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}
