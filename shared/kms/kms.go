// Package kms opens the master key in the cloud: its text lies in a table, wrapped
// by a KMS key that never leaves its service.
//
// It promises that a stage has one master key, whoever makes it first, and that it
// opens for this stage alone. A process unwraps it once and keeps it in memory: a
// call to KMS for every request would be the largest part of its cost, and whoever
// controls the process could make those calls as well.
//
// It leaves the data keys and what is sealed under them to envelope.
package kms

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/rightful/rightful/shared/envelope"
	"github.com/rightful/rightful/shared/rights"
)

// Table is where the wrapped master key lies: dynamo.Store.
type Table interface {
	Master(ctx context.Context) ([]byte, error) // NotFound where there is none yet
	PutMaster(ctx context.Context, wrapped []byte) error
}

// Vault unwraps the master key of one stage.
type Vault struct {
	Client *kms.Client
	Key    string // the KMS key's ARN
	Stage  string // goes into the encryption context: what was wrapped for one stage opens for no other
	Table  Table
}

// Open returns the master key, and makes one on the first start of a stage.
func (v Vault) Open(ctx context.Context) (*envelope.Master, error) {
	wrapped, err := v.Table.Master(ctx)
	if rights.CodeOf(err) == rights.NotFound && err != nil {
		if err := v.create(ctx); err != nil {
			return nil, fmt.Errorf("couldn't make the master key: %w", err)
		}
		// Two may have made one: both go on with the one that was stored first.
		wrapped, err = v.Table.Master(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the master key: %w", err)
	}
	out, err := v.Client.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: wrapped, KeyId: &v.Key, EncryptionContext: v.context()})
	if err != nil {
		return nil, fmt.Errorf("couldn't unwrap the master key; may this function use the KMS key? %w", err)
	}
	return envelope.ReadMaster(out.Plaintext)
}

func (v Vault) create(ctx context.Context) error {
	plain, err := envelope.MakeMaster()
	if err != nil {
		return err
	}
	out, err := v.Client.Encrypt(ctx, &kms.EncryptInput{KeyId: &v.Key, Plaintext: plain, EncryptionContext: v.context()})
	if err != nil {
		return err
	}
	return v.Table.PutMaster(ctx, out.CiphertextBlob)
}

func (v Vault) context() map[string]string {
	return map[string]string{"purpose": "rightful-master-key", "stage": v.Stage}
}
