package emulator

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Objects are the keys of all objects, as "bucket/key".
func (e *Emulator) Objects() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.objects))
}

// s3 serves path-style addresses: /bucket/key.
func (e *Emulator) s3(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil && strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		body, err = unchunk(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	path, query := strings.TrimPrefix(r.URL.Path, "/"), r.URL.Query()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.objects == nil {
		e.objects, e.uploads = map[string][]byte{}, map[string]map[int][]byte{}
	}
	id := query.Get("uploadId")
	switch {
	case query.Has("X-Amz-Expires") && e.late(query.Get("X-Amz-Date"), query.Get("X-Amz-Expires")):
		xmlFault(w, http.StatusForbidden, "AccessDenied", "Request has expired")
	case r.Method == http.MethodGet && query.Has("list-type"):
		e.count("S3.ListObjectsV2")
		e.list(w, strings.TrimSuffix(path, "/"), query.Get("prefix"))
	case r.Method == http.MethodGet:
		e.count("S3.GetObject")
		text, ok := e.objects[path]
		if !ok {
			xmlFault(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			return
		}
		if disposition := query.Get("response-content-disposition"); disposition != "" {
			w.Header().Set("Content-Disposition", disposition)
		}
		w.Write(text)
	case r.Method == http.MethodPost && query.Has("uploads"):
		e.count("S3.CreateMultipartUpload")
		id = strconv.Itoa(len(e.uploads) + 1)
		e.uploads[id] = map[int][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case r.Method == http.MethodPut && id != "":
		e.count("S3.UploadPart")
		number, _ := strconv.Atoi(query.Get("partNumber"))
		e.uploads[id][number] = body
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodPost && id != "":
		e.count("S3.CompleteMultipartUpload")
		var whole []byte
		for _, number := range slices.Sorted(maps.Keys(e.uploads[id])) {
			whole = append(whole, e.uploads[id][number]...)
		}
		delete(e.uploads, id)
		e.objects[path] = whole
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><ETag>%s</ETag></CompleteMultipartUploadResult>", etag(whole))
	case r.Method == http.MethodDelete && id != "":
		e.count("S3.AbortMultipartUpload")
		delete(e.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		e.count("S3.PutObject")
		e.objects[path] = body
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodPost && query.Has("delete"):
		e.count("S3.DeleteObjects")
		var in struct {
			Objects []struct{ Key string } `xml:"Object"`
		}
		if err := xml.Unmarshal(body, &in); err != nil {
			xmlFault(w, http.StatusBadRequest, "MalformedXML", err.Error())
			return
		}
		for _, o := range in.Objects {
			delete(e.objects, strings.TrimSuffix(path, "/")+"/"+o.Key)
		}
		fmt.Fprint(w, "<DeleteResult></DeleteResult>")
	default:
		xmlFault(w, http.StatusNotImplemented, "NotImplemented", r.Method+" isn't emulated")
	}
}

func (e *Emulator) list(w http.ResponseWriter, bucket, prefix string) {
	type object struct{ Key string }
	out := struct {
		XMLName     xml.Name `xml:"ListBucketResult"`
		Contents    []object
		IsTruncated bool
	}{}
	for _, path := range slices.Sorted(maps.Keys(e.objects)) {
		if key, ok := strings.CutPrefix(path, bucket+"/"); ok && strings.HasPrefix(key, prefix) {
			out.Contents = append(out.Contents, object{key})
		}
	}
	xml.NewEncoder(w).Encode(out)
}

func (e *Emulator) late(date, seconds string) bool {
	signed, err := time.Parse("20060102T150405Z", date)
	life, err2 := strconv.Atoi(seconds)
	return err != nil || err2 != nil || e.Now().After(signed.Add(time.Duration(life)*time.Second))
}

func xmlFault(w http.ResponseWriter, status int, code, text string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, text)
}

func etag(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// unchunk reads the body of an upload whose checksum comes at its end.
func unchunk(body []byte) ([]byte, error) {
	in := bufio.NewReader(bytes.NewReader(body))
	var out bytes.Buffer
	for {
		head, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseInt(strings.SplitN(strings.TrimSpace(head), ";", 2)[0], 16, 64)
		if err != nil || size == 0 {
			return out.Bytes(), err
		}
		if _, err := io.CopyN(&out, in, size); err != nil {
			return nil, err
		}
		if _, err := in.Discard(2); err != nil {
			return nil, err
		}
	}
}
