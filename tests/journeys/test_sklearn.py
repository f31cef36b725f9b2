"""scikit-learn's own estimator checks; each exclusion has its reason."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from dccad import DCCA

ONE_CLUSTER = "the check sets n_clusters=1; the method needs K of at least 2"

EXCLUDED = {
    "check_methods_sample_order_invariance": "rows are time steps: their order is the data",
    "check_methods_subset_invariance": ONE_CLUSTER + ", and a row needs the rows before it",
    "check_dont_overwrite_parameters": ONE_CLUSTER,
    "check_fit2d_1sample": ONE_CLUSTER + "; one row is refused (test_bad_values)",
    "check_fit2d_1feature": ONE_CLUSTER + "; one sensor works (test_detector, torque)",
    "check_fit2d_predict1d": ONE_CLUSTER + "; 1-D input is refused (test_bad_tables)",
    "check_dtype_object": "text is refused with a ValueError; the check wants a TypeError",
}


def tiny(make):
    return make(
        window=4,
        n_kernels=2,
        batch_size=256,
        pretrain_epochs=1,
        joint_epochs=1,
        n_init=1,
        false_alarm_rate=0.1,
        random_state=0,
    )


@pytest.mark.filterwarnings("ignore::dccad.errors.DccadWarning")
@parametrize_with_checks(
    [tiny(DCCA), tiny(DCCA.as_published)], expected_failed_checks=lambda estimator: EXCLUDED
)
def test_scikit_learn_check(estimator, check):
    check(estimator)
